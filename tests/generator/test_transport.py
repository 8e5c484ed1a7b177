"""What drift carries arrives: nothing is made, nothing is lost, nothing crosses a coast."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from esm_coupler.generator.transport import Transport
from esm_coupler.grid import Grid
from esm_coupler.testing import tiny_grid

DAY, SIDE = 86400, 5e4  # s, m


@pytest.fixture(params=["northeast", "centre"])
def grid(request: pytest.FixtureRequest) -> Grid:
    """Of cells of different sizes."""
    area = np.random.default_rng(3).uniform(1.5e9, 3.5e9, (16, 32))
    return replace(tiny_grid(), cell_area=area, drift_location=request.param)


def drift_of(grid: Grid, u: np.ndarray | float, v: np.ndarray | float) -> torch.Tensor:
    """(1, 2, y, x), where drift may live."""
    ones = np.ones(grid.shape)
    return torch.from_numpy(np.stack([u * ones, v * ones]) * grid.drift_mask)[None]


def random_case(grid: Grid, fastest: float) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(4)
    u, v = rng.uniform(-fastest, fastest, (2, *grid.shape))
    tracers = torch.from_numpy(rng.uniform(0, 1, (1, 3, *grid.shape)) * grid.mask)
    return tracers, drift_of(grid, u, v)


def open_water(shape: tuple[int, int] = (16, 32), location: str = "centre") -> Grid:
    """No coast within the reach of a day but the outer ring."""
    mask = np.zeros(shape, dtype=bool)
    mask[1:-1, 1:-1] = True
    grid = tiny_grid(shape)
    return replace(grid, mask=mask, cell_area=np.full(shape, SIDE**2), drift_location=location)


@pytest.mark.parametrize("fastest", [0.2, 30.0])
def test_sums_over_the_ocean_stay(grid: Grid, fastest: float) -> None:
    tracers, drift = random_case(grid, fastest)
    change = Transport(grid, DAY)(tracers, drift)
    assert change.dtype == torch.float64 and change.shape == tracers.shape
    area = torch.from_numpy(grid.cell_area)
    assert (change * area).abs().sum() > 1e-3 * (tracers * area).sum()
    sums = (change * area).sum(dim=(-1, -2)) / (tracers * area).sum(dim=(-1, -2))
    assert sums.abs().max() < 1e-14


def test_without_drift_nothing_changes(grid: Grid) -> None:
    tracers, _ = random_case(grid, 0.0)
    assert not Transport(grid, DAY)(tracers, drift_of(grid, 0.0, 0.0)).any()


def test_nothing_is_carried_onto_land_or_from_it(grid: Grid) -> None:
    tracers, drift = random_case(grid, 0.5)
    change = Transport(grid, DAY)(tracers, drift)[0, 0].numpy()
    assert not change[~grid.mask].any()
    on_land = tracers + torch.from_numpy(~grid.mask * 100.0)
    assert np.array_equal(Transport(grid, DAY)(on_land, drift)[0, 0].numpy()[grid.mask],
                          change[grid.mask])  # fmt: skip


def test_a_wall_parts_two_basins(grid: Grid) -> None:
    mask = grid.mask.copy()
    mask[:, 16] = False
    parted = grid.with_mask(mask)
    tracers, _ = random_case(parted, 0.0)
    tracers[..., 16:] = 0.0
    drift = drift_of(grid, 1.0, 0.3)  # also on the wall itself
    there = (tracers + Transport(parted, DAY)(tracers, drift)).numpy()
    assert not there[..., 16:].any()
    assert there.min() > -1e-12


def test_x_may_go_around_the_earth_but_y_does_not() -> None:
    shape = (16, 32)
    everywhere = replace(open_water(shape), mask=np.ones(shape, dtype=bool))
    tracers = torch.zeros(1, 1, *shape, dtype=torch.float64)
    tracers[..., 8, -1] = tracers[..., -1, 16] = 1.0
    change = Transport(everywhere, DAY)(tracers, drift_of(everywhere, 0.1, 0.1))[0, 0]
    assert change[8, 0] > 0.1
    assert not change[0].any()


@pytest.mark.parametrize("location", ["northeast", "centre"])
def test_what_is_uniform_stays_so_in_a_drift_without_divergence(location: str) -> None:
    """In an eddy, whose speeds through faces are exact as means of u(y) and v(x)."""
    grid = open_water((32, 64), location)
    y, x = np.mgrid[:32, :64] - np.array([15.5, 31.5])[:, None, None]
    eddy = (np.abs(y) < 14) & (np.abs(x) < 14)
    u, v = np.where(eddy, 0.02 * y, 0.0), np.where(eddy, -0.02 * x, 0.0)
    tracers = torch.full((1, 1, 32, 64), 0.7, dtype=torch.float64)
    change = Transport(grid, DAY)(tracers, drift_of(grid, u, v))[0, 0].numpy()
    core = (np.abs(y) < 6) & (np.abs(x) < 6)  # no ice from the eddy's edge comes here in a day
    assert np.abs(change[core]).max() < 1e-14
    assert np.abs(change).max() > 1e-3  # at the edge it diverges


@pytest.mark.parametrize(
    ("location", "component", "loses", "gains"),
    [
        ("northeast", 0, [(5, 6), (6, 6)], [(5, 7), (6, 7)]),
        ("northeast", 1, [(5, 6), (5, 7)], [(6, 6), (6, 7)]),
        ("centre", 0, [(5, 5)], [(5, 7)]), ("centre", 1, [(4, 6)], [(6, 6)]),
    ],
)  # fmt: skip
def test_drift_at_a_point_moves_ice_through_the_faces_beside_it(
    location: str, component: int, loses: list, gains: list
) -> None:
    """A corner (y 5, x 6) lies between the cells 5 and 6 along y, and 6 and 7 along x."""
    grid = open_water(location=location)
    drift = drift_of(grid, 0.0, 0.0)
    drift[0, component, 5, 6] = 0.01
    tracers = torch.ones(1, 1, 16, 32, dtype=torch.float64)
    change = Transport(grid, DAY)(tracers, drift)[0, 0].numpy()
    through = 0.005 * DAY / SIDE
    for cells, sign in ((loses, -1), (gains, 1)):
        for cell in cells:
            assert change[cell] == pytest.approx(sign * through, rel=0.05)
            change[cell] = 0.0
    assert np.abs(change).max() < 0.05 * through


@pytest.mark.parametrize("location", ["northeast", "centre"])
@pytest.mark.parametrize(("u", "v"), [(0.2, 0.0), (-0.2, 0.1), (0.0, -0.15)])
def test_a_block_of_ice_moves_downstream_as_far_as_its_drift_says(
    location: str, u: float, v: float
) -> None:
    grid = open_water((32, 32), location)
    tracers = torch.zeros(1, 1, 32, 32, dtype=torch.float64)
    tracers[..., 13:17, 14:18] = 1.0
    after = (tracers + Transport(grid, DAY)(tracers, drift_of(grid, u, v)))[0, 0].numpy()
    moved = centre_of_mass(after) - centre_of_mass(tracers[0, 0].numpy())
    assert moved == pytest.approx([v * DAY / SIDE, u * DAY / SIDE], abs=1e-12)
    assert after.min() >= 0 and after.max() <= 1 + 1e-12


def centre_of_mass(field: np.ndarray) -> np.ndarray:
    places = np.mgrid[: field.shape[0], : field.shape[1]]
    return (places * field).sum(axis=(1, 2)) / field.sum()


def test_ice_that_is_faster_than_the_grid_allows_does_not_turn_negative() -> None:
    grid = open_water()
    tracers = torch.zeros(1, 1, 16, 32, dtype=torch.float64)
    tracers[..., 8, 8] = 1.0
    after = tracers + Transport(grid, DAY)(tracers, drift_of(grid, 50.0, 0.0))
    assert after.min() >= 0
    assert centre_of_mass(after[0, 0].numpy())[1] == pytest.approx(8 + 4 * 0.5)


def test_single_precision_comes_back_in_single_precision(grid: Grid) -> None:
    tracers, drift = random_case(grid, 0.2)
    exact = Transport(grid, DAY)(tracers, drift)
    single = Transport(grid, DAY)(tracers.float(), drift.float())
    assert single.dtype == torch.float32
    assert (single - exact).abs().max() < 1e-5
