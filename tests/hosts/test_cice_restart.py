"""A restart of CICE is read if it is whole, and a state put into it is what CICE accepts."""

from __future__ import annotations

import os
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from esm_coupler.errors import RestartError
from esm_coupler.grid import Grid
from esm_coupler.hosts.category_bounds import category_bounds
from esm_coupler.hosts.cice_checks import checks
from esm_coupler.hosts.cice_columns import aggregate, with_state
from esm_coupler.hosts.cice_restart import CiceRestart, read_cice_restart
from esm_coupler.hosts.cice_thermo import ice_enthalpy, ice_temperature, salinity_profile
from esm_coupler.hosts.restart_file import write_restart
from esm_coupler.state import State
from esm_coupler.testing import tiny_grid
from support.cice_template import CUT, template_values, write_cice

GRID = tiny_grid((12, 14))
BOUNDS = category_bounds(5)
FORMATS = ("NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF3_64BIT_DATA", "NETCDF4")


@pytest.fixture
def template(tmp_path: Path) -> CiceRestart:
    return read_cice_restart(write_cice(tmp_path / "iced.nc", template_values(GRID)))


def random_state(seed: int, grid: Grid = GRID) -> State:
    """Acceptable, with open water, thin and thick ice; it drifts where there is ice."""
    rng = np.random.default_rng(seed)
    ice = grid.mask & (rng.random(grid.shape) < 0.7)
    sic = np.where(ice, rng.choice([1e-4, 0.3, 0.8, 1.0], grid.shape), 0.0)
    sit = sic * rng.choice([0.2, 0.6445, 1.5, 3.0, 15.0], grid.shape)
    snt = np.minimum(0.3 * sit * rng.choice([0.0, 0.2, 1.0], grid.shape), 3.9 * sic)
    moves = grid.touched_by(ice) & grid.drift_mask
    drift = np.where(moves, rng.uniform(-1, 1, (2, *grid.shape)), 0.0)
    return State(np.stack([sic, sit, snt, *drift]), ("sic", "sit", "snt", "siu", "siv"), grid)


def written(template: CiceRestart, state: State, path: Path) -> CiceRestart:
    write_restart(template.file, path, with_state(template, state, BOUNDS), {"member": 1})
    return read_cice_restart(path)


def faults(restart: CiceRestart) -> list[str]:
    return [str(found) for found in checks(restart, 0) if found.fatal]


def test_the_cut_of_a_true_restart_is_accepted() -> None:
    assert faults(read_cice_restart(CUT)) == []


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("ghosts", [0, 1])
def test_a_template_s_own_state_changes_no_bit(tmp_path: Path, kind: str, ghosts: int) -> None:
    values = template_values(GRID, ghosts=ghosts)
    restart = read_cice_restart(write_cice(tmp_path / "iced.nc", values, kind))
    own = aggregate(restart, GRID)
    assert with_state(restart, own, BOUNDS) == {}
    back = written(restart, own, tmp_path / "back.nc")
    for name, array in values.items():
        assert back[name].tobytes() == array.tobytes()
    with netCDF4.Dataset(tmp_path / "back.nc") as dataset:
        assert dataset.data_model == kind
        assert dataset.myear == 1990


@pytest.mark.parametrize("seed", range(4))
def test_any_state_becomes_a_restart_that_is_accepted(
    template: CiceRestart, tmp_path: Path, seed: int
) -> None:
    state = random_state(seed)
    restart = written(template, state, tmp_path / "new.nc")
    assert faults(restart) == []
    back = aggregate(restart, GRID)
    np.testing.assert_allclose(back.values, state.values, rtol=0, atol=1e-12)
    assert with_state(restart, back, BOUNDS) == {}


def test_ghost_cells_are_left_alone(tmp_path: Path) -> None:
    values = template_values(GRID, ghosts=1)
    template = read_cice_restart(write_cice(tmp_path / "iced.nc", values))
    restart = written(template, random_state(0), tmp_path / "new.nc")
    assert not restart["aicen"][:, 0].any() and not restart["aicen"][:, :, -1].any()
    sic = restart["aicen"].sum(axis=0)[1:-1, 1:-1]
    np.testing.assert_allclose(sic, random_state(0)["sic"], atol=1e-12)


def test_new_ice_brings_tracers_and_vanished_ice_takes_them_along(
    template: CiceRestart, tmp_path: Path
) -> None:
    state = random_state(1)
    restart = written(template, state, tmp_path / "new.nc")
    ice, was = restart["aicen"] > 0, template["aicen"] > 0
    assert (ice & ~was).any() and (was & ~ice).any()
    for name in ("sice001", "qice002", "qsno001", "alvl"):
        assert not restart[name][was & ~ice].any()
    assert (restart["sice003"][ice] > 3).all() and (restart["qice001"][ice] < -1e8).all()
    snow = ice & (restart["vsnon"] > 0)
    assert (restart["qsno001"][snow] <= -330 * 3.34e5 * (1 - 1e-9)).all()
    freezing = restart["Tsfcn"][was & ~ice]
    assert ((freezing > -2) & (freezing < -1)).all()


def test_unchanged_cells_keep_every_bit(template: CiceRestart, tmp_path: Path) -> None:
    own = aggregate(template, GRID)
    values = own.values.copy()
    values[0, 5, 6], values[1, 5, 6], values[2, 5, 6] = 0.5, 0.7, 0.05
    restart = written(template, State(values, own.names, GRID), tmp_path / "new.nc")
    elsewhere = np.ones(GRID.shape, bool)
    elsewhere[5, 6] = False
    for name in ("aicen", "vicen", "Tsfcn", "qice001", "alvl", "sst"):
        assert restart[name][..., elsewhere].tobytes() == template[name][..., elsewhere].tobytes()
    assert restart["aicen"][:, 5, 6].sum() == pytest.approx(0.5)


def test_dynamics_belong_to_the_new_ice(tmp_path: Path) -> None:
    values = template_values(GRID)
    values["stressp_1"] = np.where(values["aicen"].sum(axis=0) > 0, -1e4, 0.0)
    template = read_cice_restart(write_cice(tmp_path / "iced.nc", values))
    state = random_state(2)
    restart = written(template, state, tmp_path / "new.nc")
    assert not restart["stressp_1"].any()  # every cell has other ice
    moves = GRID.drift_mask & GRID.touched_by(state["sic"] > 0)
    np.testing.assert_array_equal(restart["iceumask"] > 0, moves)
    np.testing.assert_array_equal(restart["uvel"], state["siu"])


def test_water_under_new_ice_is_cold(template: CiceRestart, tmp_path: Path) -> None:
    restart = written(template, random_state(3), tmp_path / "new.nc")
    new = (restart["aicen"] > 0).any(axis=0) & ~(template["aicen"] > 0).any(axis=0)
    assert new.any() and (restart["sst"][new] < -1).all()


def test_a_template_without_ice_gets_ice_from_the_books(tmp_path: Path) -> None:
    values = template_values(GRID)
    for name, array in values.items():
        if array.ndim == 3:
            values[name] = np.where(GRID.mask & (name == "Tsfcn"), -1.9, 0.0 * array)
    template = read_cice_restart(write_cice(tmp_path / "iced.nc", values))
    restart = written(template, random_state(4), tmp_path / "new.nc")
    assert faults(restart) == []
    ice = restart["aicen"] > 0
    assert (restart["alvl"][ice] == 1).all()
    np.testing.assert_array_equal(restart["sice001"][ice], salinity_profile(3)[0])


def test_enthalpies_are_those_of_icepack_to_the_last_bit() -> None:
    """Seven layers that CICE made for new ice of 2 m: surface -20.15 C, water -1.836 C."""
    surface, water = -20.149999999999977, -1.836
    written_by_cice = [
        -342453991.5143457, -336373833.51624405, -330040225.112671, -323593246.05420476,
        -316746442.27478623, -308655229.3611954, -295867895.83078116,
    ]  # fmt: skip
    salinity = salinity_profile(7)
    temperature = surface + (water - surface) * (np.arange(1, 8) - 0.5) / 7
    np.testing.assert_array_equal(ice_enthalpy(temperature, salinity), written_by_cice)
    back = ice_temperature(np.array(written_by_cice), salinity)
    np.testing.assert_allclose(back, temperature, rtol=1e-12)


def changed(values: dict[str, np.ndarray], **arrays: np.ndarray | None) -> dict[str, np.ndarray]:
    return {name: array for name, array in (values | arrays).items() if array is not None}


BROKEN = {
    "'vicen'": {"vicen": None},
    "'sice001'": {"sice001": None},
    "'stress12_4'": {"stress12_4": None},
    "'vlvl'": {"vlvl": None},
    "layers [1, 3]": {"qice002": None, "sice002": None},
    "2 of 'qice'": {"qice003": None},
}


@pytest.mark.parametrize("said, change", BROKEN.items(), ids=BROKEN)
def test_what_is_missing_is_named(tmp_path: Path, said: str, change: dict) -> None:
    path = write_cice(tmp_path / "iced.nc", changed(template_values(GRID), **change))
    with pytest.raises(RestartError) as refused:
        read_cice_restart(path)
    assert said in str(refused.value)


def test_types_and_dates_are_held(tmp_path: Path) -> None:
    values = template_values(GRID)
    single = values | {"vicen": values["vicen"].astype("f4")}
    with pytest.raises(RestartError, match="'vicen' is float32"):
        read_cice_restart(write_cice(tmp_path / "single.nc", single))
    dated = {"istep1": 1, "myear": 1990, "mmonth": 13, "mday": 1, "msec": 0}
    with pytest.raises(RestartError, match="month 13"):
        read_cice_restart(write_cice(tmp_path / "dated.nc", values, attributes=dated))
    with pytest.raises(RestartError, match="'myear'"):
        read_cice_restart(write_cice(tmp_path / "undated.nc", values, attributes={"istep1": 1}))


def test_a_face_of_a_c_grid_is_refused(tmp_path: Path) -> None:
    values = template_values(GRID)
    path = write_cice(tmp_path / "iced.nc", values | {"uvelE": values["uvel"]})
    with pytest.raises(RestartError, match="'uvelE'"):
        read_cice_restart(path)


def test_old_names_of_the_date_are_read(tmp_path: Path) -> None:
    old = {"istep1": 1, "nyr": 7, "month": 2, "mday": 3, "sec": 60}
    path = write_cice(tmp_path / "iced.nc", template_values(GRID), attributes=old)
    assert read_cice_restart(path).date == (7, 2, 3, 60)


def test_another_grid_is_named(template: CiceRestart) -> None:
    with pytest.raises(RestartError, match="14 x 12 cells, the checkpoint has 16 x 20"):
        with_state(template, random_state(0, tiny_grid((20, 16))), BOUNDS)


REAL = os.environ.get("ESM_COUPLER_DATA")


@pytest.mark.skipif(not REAL, reason="ESM_COUPLER_DATA names no folder with true restarts")
@pytest.mark.parametrize("name", ["arctic96_19890301.nc", "arctic96_19900901.nc"])
def test_a_true_restart_comes_back_to_the_bit(tmp_path: Path, name: str) -> None:
    restart = read_cice_restart(Path(REAL or "") / "cice_restarts" / name)
    assert faults(restart) == []
    zeros = np.zeros(restart.shape)
    grid = Grid(restart.ocean, zeros, zeros, zeros + 1, zeros)
    own = aggregate(restart, grid)
    assert with_state(restart, own, BOUNDS) == {}
    restart = written(restart, random_state(0, grid), tmp_path / "new.nc")
    assert faults(restart) == []
