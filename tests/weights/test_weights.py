"""Weights take a state to another grid: what is there stays there, bounded, and drift turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from esm_coupler.errors import CheckpointError, DomainError
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.model import load_grid
from esm_coupler.generator.projection import project
from esm_coupler.grid import Grid
from esm_coupler.overlap import _corners, _directions, _Plane, make_weights
from esm_coupler.state import State
from esm_coupler.testing import tiny_checkpoint
from esm_coupler.weights import Weights, read_weights, write_weights
from support.cli import esm_coupler


def polar_grid(
    shape: tuple[int, int], spacing: float, turn: float = 0.0, location: str = "northeast"
) -> Grid:
    """All ocean around the pole, its x axis turned by `turn` degrees; spacing in degrees."""
    y, x = np.mgrid[: shape[0], : shape[1]] - (np.array(shape)[:, None, None] - 1) / 2 + 0.01
    place = (x + 1j * y) * np.exp(1j * np.radians(turn)) * spacing
    lat, lon = 90.0 - np.abs(place), np.degrees(np.angle(place))
    area = np.full(shape, (spacing * 111_195.0) ** 2)
    return Grid(np.ones(shape, bool), lat, lon, area, np.zeros(shape), location)


def state(grid: Grid, seed: int = 0, **fields: np.ndarray) -> State:
    """Random area with much on the bounds, NaN on land, and the fields given."""
    random = np.random.default_rng(seed).uniform(-0.5, 1.5, grid.shape)
    sic = np.where(grid.mask, np.clip(random, 0.0, 1.0), np.nan)
    named = {"sic": sic} | fields
    return State(np.stack(list(named.values())), tuple(named), grid)


@pytest.fixture(scope="module")
def source() -> Grid:
    grid = polar_grid((20, 24), 0.5)
    mask = grid.mask.copy()
    mask[:6, :7] = False
    mask[12, 11:14] = False
    return grid.with_mask(mask)


def icy(grid: Grid) -> State:
    """Area, ice and snow that a model accepts."""
    area = state(grid)
    sit = area["sic"] * np.random.default_rng(1).uniform(0.1, 5.0, grid.shape)
    return State(np.stack([area["sic"], sit, 0.1 * sit]), ("sic", "sit", "snt"), grid)


def own_area(grid: Grid) -> np.ndarray:
    """(cell,) of ocean [m2], in the plane of the grid."""
    plane = _Plane(grid)
    return shapely.area(plane.polygons(_corners(_directions(grid)), grid.mask))


def totals(given: State) -> list[float]:
    """Area, ice and snow of a state on the checkpoint's grid."""
    sea = given.grid.mask
    return [float(np.sum(own_area(given.grid) * field[sea])) for field in given.values]


def arrived(weights: Weights, got: State) -> list[float]:
    """The same of a state on the host's grid, on the ocean that both share."""
    return [float(np.sum(weights.shared_area * field)) for field in got.values]


HOSTS = [(80, 0.2, 25.0), (24, 0.8, -40.0)]  # finer and coarser, turned


@pytest.mark.parametrize(("n", "spacing", "turn"), HOSTS)
@pytest.mark.parametrize("has_coasts", [False, True])
def test_area_and_volume_are_conserved_by_a_host_whose_ocean_covers_the_checkpoints(
    source: Grid, n: int, spacing: float, turn: float, has_coasts: bool
) -> None:
    host = polar_grid((n, n), spacing, turn)
    if has_coasts:  # land wherever the checkpoint has no ocean
        host = host.with_mask(make_weights(source, host).shared_area > 0)
        assert 0.1 < np.mean(~host.mask) < 0.9
    weights = make_weights(source, host)
    given = icy(source)
    got = weights.apply(given)
    assert arrived(weights, got) == pytest.approx(totals(given), rel=1e-12)
    assert (got.values >= 0).all() and (got["sic"] <= 1).all()
    assert project(got)[1].cells_changed == 0, "a mean of acceptable states is acceptable"


def test_the_plane_is_one_of_equal_area(source: Grid) -> None:
    assert own_area(source) == pytest.approx(source.cell_area[source.mask], rel=3e-3)


def test_what_lies_under_land_of_the_host_is_all_that_is_lost(source: Grid) -> None:
    """So a host with the opposite mask gets exactly that."""
    host = polar_grid((32, 32), 0.5, 5.0)
    mask = host.mask.copy()
    mask[8:16, 4:24] = False
    given = icy(source)
    parts = []
    for sea in (mask, ~mask):
        weights = make_weights(source, host.with_mask(sea))
        parts.append(np.array(arrived(weights, weights.apply(given))))
    assert sum(parts) == pytest.approx(np.array(totals(given)), rel=1e-12)
    assert (parts[1] > 0.1 * parts[0]).all()


def test_bounds_are_kept_and_one_stays_one(source: Grid) -> None:
    weights = make_weights(source, polar_grid((50, 50), 0.3, 10.0))
    got = weights.apply(state(source))["sic"]
    assert got.min() >= 0.0 and got.max() <= 1.0
    full = weights.apply(state(source, sic=np.ones(source.shape)))["sic"]
    known = np.unique(weights.cells.row)
    np.testing.assert_allclose(full.ravel()[known], 1.0, rtol=1e-14)
    assert np.count_nonzero(full) == known.size


def test_the_same_grid_gives_the_same_state(source: Grid) -> None:
    weights = make_weights(source, source)
    given = state(source, siu=np.full(source.shape, 0.3), siv=np.full(source.shape, -0.1))
    got = weights.apply(given)
    sea = source.mask
    np.testing.assert_allclose(got["sic"][sea], given["sic"][sea], atol=1e-9)
    np.testing.assert_allclose(got["siu"][source.drift_mask], 0.3, atol=1e-9)
    np.testing.assert_allclose(got["siv"][source.drift_mask], -0.1, atol=1e-9)
    assert (got["sic"][~sea] == 0).all() and (got["siu"][~source.drift_mask] == 0).all()


def test_coasts_take_the_nearest_and_what_lies_beyond_has_none(source: Grid) -> None:
    host = polar_grid((70, 70), 0.25)
    weights = make_weights(source, host)
    got = weights.apply(state(source, sic=np.full(source.shape, 0.7)))["sic"]
    coast = (weights.shared_area == 0) & (got > 0)
    assert coast.any(), "ocean of the host on land of the checkpoint, near its coast"
    np.testing.assert_allclose(got[coast], 0.7)
    assert got[0, 0] == 0.0, "outside the checkpoint's grid"
    assert (got[55, 30:40] > 0).all() and (got[56, 30:40] == 0).all(), "just outside of it"
    inland = got[35 - 19 : 35 - 15, 35 - 23 : 35 - 19]
    assert (inland == 0).any(), "far inland"


def test_a_host_keeps_its_own_land(source: Grid) -> None:
    host = polar_grid((40, 40), 0.3, 5.0)
    mask = host.mask.copy()
    mask[10:20, 5:30] = False
    got = make_weights(source, host.with_mask(mask)).apply(state(source))
    assert (got["sic"][~mask] == 0).all() and got["sic"][mask].any()


@pytest.mark.parametrize("location", ["centre", "northeast"])
@pytest.mark.parametrize("turn", [0.0, 30.0, -120.0])
def test_drift_turns_with_the_grid_and_gets_no_faster(
    source: Grid, turn: float, location: str
) -> None:
    host = polar_grid((30, 30), 0.3, turn, location)
    u, v = np.full(source.shape, 0.4), np.full(source.shape, 0.3)
    got = make_weights(source, host).apply(state(source, siu=u, siv=v))
    inner = np.s_[12:18, 12:18]
    expected = (0.4 + 0.3j) * np.exp(-1j * np.radians(turn))
    np.testing.assert_allclose(got["siu"][inner], expected.real, atol=2e-3)
    np.testing.assert_allclose(got["siv"][inner], expected.imag, atol=2e-3)
    assert np.hypot(got["siu"], got["siv"]).max() <= 0.5 + 1e-12


def test_drift_is_bilinear(source: Grid) -> None:
    """A drift that grows with grid x has, between two points, what lies between."""
    u = np.broadcast_to(np.arange(source.shape[1]) * 0.01, source.shape).copy()
    fine = polar_grid((20, 48), 0.25, location="centre")
    got = make_weights(source, fine).apply(state(source, siu=u, siv=np.zeros_like(u)))["siu"]
    row = got[10, 20:28]
    np.testing.assert_allclose(np.diff(row), 0.005, atol=2e-4)


def test_damage_is_a_mean_over_the_ice(source: Grid) -> None:
    damage = np.full(source.shape, 0.6)
    given = state(source, sid=damage)
    got = make_weights(source, polar_grid((30, 30), 0.4, 15.0)).apply(given)
    icy = got["sic"] > 0
    np.testing.assert_allclose(got["sid"][icy], 0.6, rtol=1e-12)
    assert (got["sid"][~icy] == 0).all()


def test_grids_that_make_no_sense_are_refused(source: Grid) -> None:
    south = polar_grid((20, 20), 0.5)
    south = Grid(south.mask, -south.lat, -south.lon, south.cell_area, south.angle)
    with pytest.raises(DomainError, match="nowhere in the checkpoint's"):
        make_weights(source, south)
    arrays = (source.mask, source.lat, source.lon, source.cell_area, source.angle)
    with pytest.raises(DomainError, match="the host's grid is left-handed"):
        make_weights(source, Grid(*(array[::-1] for array in arrays)))


def test_a_file_gives_the_same_bits_and_belongs_to_one_grid(source: Grid, tmp_path: Path) -> None:
    weights = make_weights(source, polar_grid((30, 30), 0.4))
    write_weights(tmp_path / "w.safetensors", weights, {})
    given = state(source, siu=np.ones(source.shape), siv=np.ones(source.shape))
    again = read_weights(tmp_path / "w.safetensors", source).apply(given)
    assert again.sha256 == weights.apply(given).sha256
    with pytest.raises(CheckpointError, match="another grid"):
        read_weights(tmp_path / "w.safetensors", source.with_mask(~source.mask))


def test_the_command_makes_weights_that_a_host_can_read(tmp_path: Path) -> None:
    checkpoint = tiny_checkpoint(tmp_path / "tiny.safetensors", (16, 32))
    grid, output = tmp_path / "host.nc", tmp_path / "w.safetensors"
    polar_grid((40, 40), 0.4, 20.0).to_netcdf(grid)
    command = ("weights", grid, "--checkpoint", checkpoint, "--output", output)
    done = esm_coupler(*command)
    assert done.status == 0, done.err
    assert "share ocean with the checkpoint" in done.out
    weights = read_weights(output, load_grid(read_checkpoint(checkpoint)))
    assert weights.grid.shape == (40, 40)
    assert "exists" in esm_coupler(*command).sentence()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mask": None}, "has no variable mask (y, x)"),
        ({"lat": np.nan}, "have to be finite"),
        ({"mask": 2}, "mask has to be 1 on ocean and 0 on land"),
    ],
)
def test_a_grid_that_lacks_something_is_refused(
    change: dict[str, float | None], said: str, tmp_path: Path
) -> None:
    dataset = polar_grid((20, 20), 0.5).to_dataset()
    for name, value in change.items():
        dataset = dataset.drop_vars(name) if value is None else dataset
        if value is not None:
            dataset[name] = dataset[name] * 0 + value
    dataset.to_netcdf(tmp_path / "host.nc")
    output = tmp_path / "w.safetensors"
    assert said in esm_coupler("weights", tmp_path / "host.nc", "-o", output).sentence()
