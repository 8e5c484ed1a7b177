"""States go into restarts of neXtSIM-DG under its own conventions."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import RestartError
from esm_coupler.grid import Grid
from esm_coupler.hosts.nextsim_restart import (
    NextsimRestart,
    aggregate,
    checks,
    read_nextsim_restart,
    with_state,
)
from esm_coupler.hosts.restart_file import write_restart
from esm_coupler.state import State
from esm_coupler.testing import tiny_grid
from support.cli import esm_coupler
from support.nextsim_template import nextsim_values, write_nextsim

GRID = replace(tiny_grid((12, 14)), drift_location="centre")


def template(folder: Path, components: int = 3) -> NextsimRestart:
    path = write_nextsim(folder / "restart.nc", nextsim_values(GRID, components))
    return read_nextsim_restart(path)


def southern_ice(sid: float = 0.2) -> State:
    """Ice where the template has water, and water where it has ice."""
    ice = GRID.mask & (np.arange(12) < 6)[:, None]
    values = [0.8 * ice, 1.2 * ice, 0.1 * ice, 0.3 * ice, -0.1 * ice, sid * ice]
    return State(np.stack(values), ("sic", "sit", "snt", "siu", "siv", "sid"), GRID)


@pytest.mark.parametrize("components", [0, 3])
def test_a_template_s_own_state_changes_no_bit(tmp_path: Path, components: int) -> None:
    restart = template(tmp_path, components)
    assert not any(found.cells for found in checks(restart))
    assert with_state(restart, aggregate(restart, GRID)) == {}


@pytest.mark.parametrize("components", [0, 3])
def test_a_state_is_written_in_the_model_s_terms(tmp_path: Path, components: int) -> None:
    restart, state = template(tmp_path, components), southern_ice()
    write_restart(restart.file, tmp_path / "new.nc", with_state(restart, state), {})
    new = read_nextsim_restart(tmp_path / "new.nc")
    assert not any(found.cells for found in checks(new))
    np.testing.assert_allclose(aggregate(new, GRID).values, state.values, atol=1e-15)
    ice = state["sic"] > 0
    assert (new.mean("damage")[ice] == 0.8).all()  # theirs is 1 where the ice is intact
    assert (new.mean("damage")[GRID.mask & ~ice] == 1.0).all()
    assert (new.mean("tice")[ice] == -8.0).all()
    assert (new.mean("tice")[GRID.mask & ~ice] == -1.7).all()
    assert (new.mean("cice")[~GRID.mask] > 1e30).all()
    if components:
        assert not new["hice"][..., 1:][GRID.mask].any()  # a slope of other ice
    np.testing.assert_array_equal(new["sss"], restart["sss"])


def test_drift_at_corners_comes_to_the_centres(tmp_path: Path) -> None:
    corner = replace(GRID, drift_location="northeast")
    values = southern_ice().values
    values[3] = 0.0
    values[3, 3, 5] = 0.4
    restart = template(tmp_path)
    new = with_state(restart, State(values, southern_ice().names, corner))["data/u"]
    np.testing.assert_allclose(new[3:5, 5:7], 0.1)
    assert np.count_nonzero(np.where(GRID.mask, new, 0.0)) == 4


def test_ice_that_is_too_thin_is_gathered(tmp_path: Path) -> None:
    restart, values = template(tmp_path), southern_ice().values
    values[1] = 1e-4 * (values[0] > 0)
    values[2] = 0.0
    new = with_state(restart, State(values, southern_ice().names, GRID))
    cice, hice = new["data/cice"][3, 4, 0], new["data/hice"][3, 4, 0]
    assert hice == 1e-4
    assert hice / cice == pytest.approx(0.01) and hice / cice > 0.01


ALTERED = {
    "mask neither 0 nor 1": ("mask", 0.5),
    "hice missing in the ocean": ("hice", 1.7e38),
    "cice above 1": ("cice", 1.2),
    "cice below zero": ("cice", -0.2),
    "hice below zero": ("hice", -0.2),
    "hsnow below zero": ("hsnow", -0.2),
    "area without volume": ("hice", 0.0),
    "volume without area": ("cice", 0.0),
    "snow without ice": ("cice", 0.0),
    "ice above 20 m": ("hice", 50.0),
    "tice outside -100 to 0 C": ("tice", 250.0),
    "damage outside 0 to 1": ("damage", 1.5),
    "drift above 2 m/s": ("u", 7.0),
}


@pytest.mark.parametrize("name, change", ALTERED.items(), ids=ALTERED)
def test_an_altered_restart_fails_by_name(
    tmp_path: Path, name: str, change: tuple[str, float]
) -> None:
    values = nextsim_values(GRID, 0)
    values[change[0]][..., 8, 5] = change[1]
    path = write_nextsim(tmp_path / "restart.nc", values)
    found = {one.what: one for one in checks(read_nextsim_restart(path))}
    assert found[name].fatal
    assert found[name].place[-2:] == (6, 9)
    assert esm_coupler("check", path).status == 1


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    values = nextsim_values(GRID)
    del values["hsnow"]
    with pytest.raises(RestartError, match="data/hsnow"):
        read_nextsim_restart(write_nextsim(tmp_path / "restart.nc", values))


def test_members_become_restarts(namelist: Path, tmp_path: Path) -> None:
    path = write_nextsim(tmp_path / "restart.nc", nextsim_values(tiny_grid()))
    sets = ("template=" + str(path), "output_format=nextsim", f"output={tmp_path}/out")
    items = [item for text in sets for item in ("--set", f"ensemble_nml.{text}")]
    done = esm_coupler("generate", namelist, *items)
    assert done.status == 0, done.err
    restart = tmp_path / "out" / "member_0003" / "restart.nc"
    assert esm_coupler("check", restart).status == 0
    again = esm_coupler("generate", namelist, *items)
    assert again.out.count("made before") == 3
    other = esm_coupler("generate", namelist, *items, "--set", "ensemble_nml.date=19910301")
    assert "is of 1990-03-01" in other.sentence()


REAL = os.environ.get("ESM_COUPLER_DATA")


@pytest.mark.skipif(not REAL, reason="ESM_COUPLER_DATA names no folder with true restarts")
@pytest.mark.parametrize("name", ["bbm_box_64x64_restart", "init_25km_NH", "init_topaz128x128"])
def test_a_true_restart_comes_back_to_the_bit(name: str) -> None:
    restart = read_nextsim_restart(Path(REAL or "") / "nextsim_dg" / f"{name}.nc")
    assert not any(found.fatal for found in checks(restart))
    zeros = np.zeros(restart.shape)
    grid = Grid(restart.ocean, zeros, zeros, zeros, zeros, "centre")
    assert with_state(restart, aggregate(restart, grid)) == {}
