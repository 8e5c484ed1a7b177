"""What CICE would not take, or would take and change, is found and named, with the place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.hosts.acceptance import Finding
from esm_coupler.hosts.cice_checks import checks
from esm_coupler.hosts.cice_restart import read_cice_restart
from esm_coupler.testing import tiny_grid
from support.cice_template import template_values, write_cice
from support.cli import esm_coupler

GRID = tiny_grid((12, 14))
Values = dict[str, np.ndarray]


def icy(values: Values) -> tuple[int, int]:
    """A cell with ice and snow in the first two categories, (j, i)."""
    good = (values["aicen"][:2] > 1e-3).all(axis=0) & (values["vsnon"][0] > 1e-3)
    return tuple(np.argwhere(good)[0])


def scaled(name: str, category: int, factor: float) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[name][(category, *icy(values))] *= factor

    return change


def put(name: str, category: int, value: float) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[name][(category, *icy(values))] = value

    return change


def put_level(name: str, value: float) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[name][icy(values)] = value

    return change


def too_much_area(values: Values) -> None:
    j, i = icy(values)
    total = values["aicen"][:, j, i].sum()
    for name in ("aicen", "vicen", "vsnon"):
        values[name][:, j, i] *= (1 + 2e-11) / total


def ice_on_land(values: Values) -> None:
    for array in values.values():
        if array.ndim == 3:
            array[(slice(None), 0, 3)] = array[(slice(None), *icy(values))]


def away(name: str) -> Callable[[Values], None]:
    """A value where no ice is near: the ice of the whole restart is taken away."""

    def change(values: Values) -> None:
        for state in ("aicen", "vicen", "vsnon"):
            values[state][:] = 0.0
        values[name][5, 5] = 1.0

    return change


ALTERED = {
    "vicen not finite": put("vicen", 0, np.nan),
    "uvel not finite": put_level("uvel", np.inf),
    "aicen below zero": put("aicen", 0, -1e-3),
    "sum of aicen above 1": too_much_area,
    "vicen below zero": put("vicen", 0, -1e-3),
    "vsnon below zero": put("vsnon", 0, -1e-3),
    "area without volume": put("vicen", 0, 0.0),
    "volume without area": put("aicen", 0, 0.0),
    "snow without ice": put("aicen", 0, 0.0),
    "ice on land": ice_on_land,
    "thickness not increasing with category": scaled("vicen", 1, 1e-2),
    "thickness outside its category": scaled("vicen", 1, 2.5),
    "sice001 outside 0.1 to 50": put("sice001", 0, 0.0),
    "qice001 warmer than melting": put("qice001", 0, 0.0),
    "qice002 below -100 C": put("qice002", 0, -6e8),
    "qsno001 warmer than 0 C": put("qsno001", 0, float(np.float32(-330 * 3.34e5 + 5))),
    "qsno001 below -100 C": put("qsno001", 0, -2e8),
    "Tsfcn outside -100 to 0 C": put("Tsfcn", 0, 10.0),
    "alvl outside 0 to 1": put("alvl", 0, 1.1),
    "drift above 2 m/s": put_level("uvel", 5.0),
    "drift without ice": away("vvel"),
    "iceumask neither 0 nor 1": put_level("iceumask", 0.5),
    "iceumask without ice": away("iceumask"),
    "stressm_3 without ice": away("stressm_3"),
    "swvdr absurd": put_level("swvdr", 1e200),
    "sst outside -5 to 50 C": put_level("sst", 273.0),
}


def findings(values: Values, folder: Path) -> list[Finding]:
    return checks(read_cice_restart(write_cice(folder / "iced.nc", values)))


def test_a_model_s_own_state_passes(tmp_path: Path) -> None:
    assert not any(found.fatal for found in findings(template_values(GRID), tmp_path))


@pytest.mark.parametrize("name, change", ALTERED.items(), ids=ALTERED)
def test_an_altered_restart_fails_by_name(tmp_path: Path, name: str, change: Callable) -> None:
    values = template_values(GRID)
    change(values)
    found = {one.what: one for one in findings(values, tmp_path)}
    assert found[name].fatal


def test_the_worst_cell_is_given(tmp_path: Path) -> None:
    values = template_values(GRID)
    values["Tsfcn"][1, 4, 6], values["Tsfcn"][2, 7, 3] = 3.0, 9.0
    values["aicen"][1, 4, 6], values["aicen"][2, 7, 3] = 1e-3, 1e-3
    found = {one.what: one for one in findings(values, tmp_path)}["Tsfcn outside -100 to 0 C"]
    assert (found.cells, found.place, found.value) == (2, (3, 4, 8), 9.0)


def test_the_command_prints_a_table_and_fails(tmp_path: Path) -> None:
    values = template_values(GRID)
    path = write_cice(tmp_path / "iced.nc", values)
    done = esm_coupler("check", path)
    assert done.status == 0, done.err
    assert "sum of aicen above 1" in done.out
    values["aicen"][(0, *icy(values))] = -1e-3
    failed = esm_coupler("check", write_cice(path, values))
    assert failed.status == 1
    row = next(line for line in failed.out.splitlines() if line.startswith("aicen below zero"))
    assert row.split()[3:5] == ["swallow", "1"]
    assert "aicen below zero in 1 cells" in failed.sentence()


@pytest.mark.parametrize("content", [b"", b"CDF\x01" + 60 * b"\xff", 99 * b"x"])
def test_what_is_no_restart_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.nc").write_bytes(content)
    assert "x.nc cannot be read as a restart" in esm_coupler("check", tmp_path / "x.nc").sentence()
    assert "does not exist" in esm_coupler("check", tmp_path / "y.nc").sentence()


def test_a_file_of_no_model_is_refused(tmp_path: Path) -> None:
    tiny_grid().to_netcdf(tmp_path / "grid.nc")
    assert "no model that is known" in esm_coupler("check", tmp_path / "grid.nc").sentence()


def test_bounds_that_the_model_does_not_have_are_noticed(tmp_path: Path) -> None:
    path = write_cice(tmp_path / "iced.nc", template_values(GRID))
    failed = esm_coupler("check", path, "--kcatbound", "2")
    assert "thickness outside its category" in failed.sentence()
