"""Each convention is read into the same fields, whatever it calls them and however it counts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.errors import DataError
from esm_coupler.hosts import Series, open_series
from support import host_files
from support.host_files import N_DAYS, Truth

ALL = ("sic", "sit", "snt", "siu", "siv")
WRITERS: dict[str, tuple[Callable, str, str]] = {
    "cice": (host_files.write_cice, "cice", "northeast"),
    "cice monthly names": (partial(host_files.write_cice, suffix=""), "cice", "northeast"),
    "cice 4": (partial(host_files.write_cice, suffix="", old=True), "cice", "northeast"),
    "cmip6 per cell": (host_files.write_cmip6, "cmip6", "centre"),
    "cmip6 of ice": (partial(host_files.write_cmip6, volumes=False), "cmip6", "centre"),
    "cmip6 B-grid": (partial(host_files.write_cmip6, shift=0.5), "cmip6", "northeast"),
    "nextsim": (host_files.write_nextsim, "nextsim", "centre"),
    "nextsim-dg": (host_files.write_nextsim_dg, "nextsim-dg", "centre"),
    "nextsim-dg, time as a number": (
        partial(host_files.write_nextsim_dg, text=False), "nextsim-dg", "centre",
    ),
    "piomas": (host_files.write_piomas, "piomas", "northeast"),
    "satellite": (host_files.write_satellite, "satellite", "centre"),
    "nemo per cell": (host_files.write_nemo, "nemo", "centre"),
    "nemo of ice": (partial(host_files.write_nemo, volumes=False), "nemo", "centre"),
}  # fmt: skip
Opened = Callable[[str], Series]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, truth: Truth) -> Opened:
    """The files of a case, written once."""

    @functools.cache
    def make(case: str) -> Series:
        return open_series(WRITERS[case][0](tmp_path_factory.mktemp("files"), truth))

    return make


def everything(series: Series) -> dict[str, np.ndarray]:
    values, _ = series.read(range(len(series.days)))
    return {name: values[:, k] for k, name in enumerate(series.names)}


@pytest.mark.parametrize("case", WRITERS)
def test_a_convention_is_recognised_and_read(opened: Opened, truth: Truth, case: str) -> None:
    _, format, location = WRITERS[case]
    series = opened(case)
    read = everything(series)
    with_damage = (*ALL, "sid") if case.startswith("nextsim") else ALL
    expected = ("sic",) if case == "satellite" else with_damage
    assert series.formats == (format,)
    assert series.names == expected
    assert series.drift_location == location
    for name in set(expected) - {"siu", "siv"} if format == "nemo" else expected:
        tolerance = 1e-4 if case == "satellite" else 2e-6
        days = truth[name][: len(series.days)]
        np.testing.assert_allclose(read[name], days, atol=tolerance, err_msg=name)
        assert np.array_equal(read[name] == 0, days == 0) or case == "satellite"
    assert np.array_equal(read["sic"] == 1, truth["sic"][: len(series.days)] == 1)


@pytest.mark.parametrize("case", WRITERS)
def test_days_are_those_that_the_values_are_of(opened: Opened, case: str) -> None:
    series, format = opened(case), WRITERS[case][1]
    days = [f"1991-{k:02d}-15" if case == "piomas" else f"1991-01-{k:02d}" for k in (1, 2, 3)]
    assert [str(day) for day in series.days] == days[: 1 if format == "nextsim-dg" else N_DAYS]


@pytest.mark.parametrize("case", sorted(set(WRITERS) - {"piomas"}))
def test_land_is_where_the_model_has_it(opened: Opened, truth: Truth, case: str) -> None:
    grid = opened(case).grid
    assert np.array_equal(grid.mask, truth.grid.mask)
    np.testing.assert_allclose(grid.lat, truth.grid.lat, atol=1e-4)


def test_drift_on_faces_is_moved_to_the_centre(opened: Opened, truth: Truth) -> None:
    read = everything(opened("nemo per cell"))
    for day, j, i in ((0, 3, 4), (1, 1, 1), (2, 6, 10)):
        u, v = truth["siu"][day], truth["siv"][day]
        assert read["siu"][day, j, i] == pytest.approx((u[j, i - 1] + u[j, i]) / 2, abs=1e-6)
        assert read["siv"][day, j, i] == pytest.approx((v[j - 1, i] + v[j, i]) / 2, abs=1e-6)


def test_drift_elsewhere_is_refused(tmp_path: Path, truth: Truth) -> None:
    with pytest.raises(DataError, match=r"siu_.* has its drift 0\.25, 0\.25 cells"):
        open_series(host_files.write_cmip6(tmp_path, truth, shift=0.25))


def test_a_format_can_be_said(tmp_path: Path, truth: Truth) -> None:
    (path,) = host_files.write_nextsim(tmp_path, truth)
    assert open_series([path], format="nextsim").formats == ("nextsim",)
    with pytest.raises(DataError, match="has no field of format 'cice', such as aice, aice_d"):
        open_series([path], format="cice")


def test_files_are_joined_and_chosen(tmp_path: Path, truth: Truth) -> None:
    (path,) = host_files.write_cice(tmp_path, truth)
    with xarray.open_dataset(path, decode_times=False) as file:
        later = file.load()
    later["time"] = later["time"] + 365
    later["time_bounds"] = later["time_bounds"] + 365
    later.to_netcdf(tmp_path / "iceh.1992.nc")
    both = [tmp_path / "iceh.1992.nc", path]  # the order of the files does not matter
    assert len(open_series(both).days) == 2 * N_DAYS
    assert str(open_series(both, years=[1992]).days[0]) == "1992-01-01"
    with pytest.raises(DataError, match=r"iceh\.1992\.nc has no day of 1987"):
        open_series(both, years=[1991, 1987])


def test_a_grid_file_gives_what_others_lack(tmp_path: Path, truth: Truth) -> None:
    files = host_files.write_piomas(tmp_path, truth)
    truth.grid.to_netcdf(tmp_path / "grid.nc")
    grid = open_series([*files, tmp_path / "grid.nc"]).grid
    assert np.array_equal(grid.mask, truth.grid.mask)
    assert np.array_equal(grid.cell_area, truth.grid.cell_area)


def test_values_beside_a_bound_are_put_on_it(tmp_path: Path, truth: Truth) -> None:
    (path,) = host_files.write_nextsim(tmp_path, truth)
    with xarray.open_dataset(path, decode_times=False) as file:
        dataset = file.load()
    dataset["sic"][0, 2, 2], dataset["sic"][0, 2, 3] = 1.0000004, -1e-6
    dataset["damage"][0, 2, 2] = 0.5
    dataset.to_netcdf(tmp_path / "off.nc")
    read, n_bounded = open_series([tmp_path / "off.nc"]).read(range(N_DAYS))
    assert (read[0, 0, 2, 2], read[0, 0, 2, 3], n_bounded) == (1, 0, 2)
