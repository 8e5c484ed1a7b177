"""States go into restarts of SI3, whose tracers are extensive."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from esm_coupler.errors import RestartError
from esm_coupler.hosts.restart_file import write_restart
from esm_coupler.hosts.si3_restart import (
    Si3Restart,
    aggregate,
    category_bounds,
    checks,
    read_si3_restart,
    require_ice,
    with_state,
)
from esm_coupler.state import State
from esm_coupler.testing import tiny_grid
from support.cli import esm_coupler
from support.si3_template import si3_values, write_si3

GRID = tiny_grid((12, 14))


@pytest.fixture
def template(tmp_path: Path) -> Si3Restart:
    return read_si3_restart(write_si3(tmp_path / "restart_ice.nc", si3_values(GRID)))


def other_ice() -> State:
    """New ice in the south, less in the middle, none in the north."""
    rows = np.arange(12)[:, None]
    ice = GRID.mask & (rows < 8)
    sic = np.where(ice, 0.7, 0.0)
    moves = GRID.drift_mask & GRID.touched_by(ice)
    values = [sic, 1.5 * sic, 0.2 * sic, np.where(moves, 0.3, 0.0), np.where(moves, -0.1, 0.0)]
    return State(np.stack(values), ("sic", "sit", "snt", "siu", "siv"), GRID)


def test_the_bounds_are_those_that_nemo_prints() -> None:
    expected = [0.0, 0.454, 1.129, 2.141, 3.671, 99.0]
    np.testing.assert_allclose(category_bounds(5), expected, atol=6e-4)


def test_a_template_s_own_state_changes_no_bit(template: Si3Restart) -> None:
    assert not any(found.cells for found in checks(template))
    assert with_state(template, aggregate(template, GRID)) == {}


def test_tracers_come_with_what_they_are_part_of(template: Si3Restart, tmp_path: Path) -> None:
    state = other_ice()
    write_restart(template.file, tmp_path / "new.nc", with_state(template, state), {})
    new = read_si3_restart(tmp_path / "new.nc")
    assert not any(found.cells for found in checks(new))
    back = aggregate(new, GRID)
    np.testing.assert_allclose(back.values, state.values[:3], atol=1e-12)
    volume, ice = new["v_i"], new["v_i"] > 0
    np.testing.assert_allclose(new["sv_i"][ice] / volume[ice], 5.0)
    np.testing.assert_allclose(new["e_i_l02"][ice] / volume[ice], 1.2e8)
    np.testing.assert_allclose(new["oa_i"][ice] / new["a_i"][ice], 3.0)
    np.testing.assert_allclose(new["e_s_l01"], 1.2e8 * new["v_s"])
    assert (new["t_su"][ice] == 263.0).all()
    assert (new["t_su"][~ice & GRID.mask] == 273.15).all()
    assert not new["stress1_i"].any()
    mass = 917.0 * volume.sum(axis=0) + 330.0 * new["v_s"].sum(axis=0)
    np.testing.assert_allclose(new["snwice_mass"], mass)


def test_drift_comes_to_the_faces(template: Si3Restart) -> None:
    new = with_state(template, other_ice())
    u, v = new["u_ice"][0], new["v_ice"][0]
    assert u[4, 4] == pytest.approx(0.3) and v[4, 4] == pytest.approx(-0.1)
    assert u[4, 12] == 0 and v[9, 4] == 0  # the coast, and no ice on either side
    assert u[1, 4] == pytest.approx(0.15)  # one end of the face is at the coast


def test_snow_on_ice_that_had_none_is_as_cold_as_the_surface(tmp_path: Path) -> None:
    values = si3_values(GRID)
    values["v_s"], values["e_s_l01"] = 0 * values["v_s"], 0 * values["v_s"]
    template = read_si3_restart(write_si3(tmp_path / "restart_ice.nc", values))
    new = with_state(template, other_ice())
    snowy = new["v_s"] > 0
    expected = 330 * (3.34e5 + 2067 * (273.15 - 263.0))
    np.testing.assert_allclose((new["e_s_l01"] / np.maximum(new["v_s"], 1e-30))[snowy], expected)


def test_full_cover_stays_below_the_model_s_limit(template: Si3Restart) -> None:
    values = other_ice().values.copy()
    values[0] = np.where(values[0] > 0, 1.0, 0.0)
    new = with_state(template, State(values, other_ice().names, GRID))
    total = new["a_i"][0].sum(axis=0)
    assert total.max() == pytest.approx(0.997, abs=1e-12)
    np.testing.assert_allclose(new["v_i"][0].sum(axis=0), values[1], atol=1e-12)


ALTERED = {
    "v_i not finite": ("v_i", np.nan),
    "a_i below zero": ("a_i", -0.1),
    "sum of a_i above 1": ("a_i", 0.9),
    "v_i below zero": ("v_i", -0.1),
    "v_s below zero": ("v_s", -0.1),
    "area without volume": ("v_i", 0.0),
    "volume without area": ("a_i", 0.0),
    "snow without ice": ("a_i", 0.0),
    "thickness outside its category": ("v_i", 0.9),
    "e_i_l01 outside 0 to 6e8 J m-3": ("e_i_l01", -1e8),
    "e_s_l01 outside 0 to 6e8 J m-3": ("e_s_l01", 0.0),
    "salinity outside 0 to 50": ("sv_i", 0.0),
    "t_su outside 173 to 273.15 K": ("t_su", 280.0),
}


@pytest.mark.parametrize("name, change", ALTERED.items(), ids=ALTERED)
def test_an_altered_restart_fails_by_name(
    tmp_path: Path, name: str, change: tuple[str, float]
) -> None:
    values = si3_values(GRID)
    values[change[0]][1, 8, 5] = change[1]
    path = write_si3(tmp_path / "restart_ice.nc", values)
    found = {one.what: one for one in checks(read_si3_restart(path))}
    assert found[name].fatal
    assert found[name].place[-2:] == (6, 9)
    assert esm_coupler("check", path).status == 1


def test_ice_on_land_and_a_storm_are_found(tmp_path: Path) -> None:
    values = si3_values(GRID)
    for name in ("a_i", "v_i", "v_s", "sv_i", "e_i_l01", "e_i_l02", "e_s_l01"):
        values[name][:, 0, 3] = values[name][:, 8, 5]
    values["v_ice"][8, 5] = 9.0
    found = checks(read_si3_restart(write_si3(tmp_path / "restart_ice.nc", values)))
    assert {"ice on land", "drift above 2 m/s"} <= {one.what for one in found if one.fatal}


@pytest.mark.parametrize("name", ["v_s", "e_i_l01", "u_ice"])
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    values = si3_values(GRID)
    del values[name]
    with pytest.raises(RestartError, match=f"'{name}'"):
        read_si3_restart(write_si3(tmp_path / "restart_ice.nc", values))


def test_another_grid_in_one_file_is_named(tmp_path: Path) -> None:
    path = write_si3(tmp_path / "restart_ice.nc", si3_values(GRID))
    with netCDF4.Dataset(path, "r+") as dataset:
        dataset.createVariable("v_ip", "f4", ("time_counter", "numcat", "y", "x"))[0] = 0.0
    with pytest.raises(RestartError, match="'v_ip' is float32 of shape"):
        read_si3_restart(path)


def test_a_template_without_ice_is_refused(tmp_path: Path) -> None:
    values = {n: v if n == "t_su" else 0 * v for n, v in si3_values(GRID).items()}
    template = read_si3_restart(write_si3(tmp_path / "restart_ice.nc", values))
    with pytest.raises(RestartError, match="has no ice"):
        require_ice(template)


def test_members_become_restarts(namelist: Path, tmp_path: Path) -> None:
    path = write_si3(tmp_path / "restart_ice.nc", si3_values(tiny_grid()))
    sets = (f"template={path}", "output_format=si3", f"output={tmp_path}/out", "members=1")
    items = [item for text in sets for item in ("--set", f"ensemble_nml.{text}")]
    done = esm_coupler("generate", namelist, *items)
    assert done.status == 0, done.err
    assert esm_coupler("check", tmp_path / "out" / "member_0001" / path.name).status == 0


def test_members_become_files_for_nn_iceini_file(namelist: Path, tmp_path: Path) -> None:
    sets = ("output_format=si3_initial", f"output={tmp_path}/out", "members=1")
    items = [item for text in sets for item in ("--set", f"ensemble_nml.{text}")]
    done = esm_coupler("generate", namelist, *items)
    assert done.status == 0, done.err
    esm_coupler("generate", namelist, "--set", "ensemble_nml.members=1")
    with netCDF4.Dataset(tmp_path / "out" / "member_0001" / "ice_initial.nc") as made:
        made.set_auto_mask(False)
        assert made["hti"].dimensions == ("time_counter", "y", "x")
        hti, hts, ati = (np.array(made[name][0]) for name in ("hti", "hts", "ati"))
    with netCDF4.Dataset(tmp_path / "ensemble.nc") as state:
        np.testing.assert_allclose(hti * ati, np.array(state["sit"][0]), atol=1e-12)
        np.testing.assert_allclose(hts * ati, np.array(state["snt"][0]), atol=1e-12)
    assert ati.max() <= 0.997
    again = esm_coupler("generate", namelist, *items)
    assert "exists" in again.sentence()
