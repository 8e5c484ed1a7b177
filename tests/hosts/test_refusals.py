"""What breaks its own bounds, contradicts itself or is damaged is refused in one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.errors import DataError
from esm_coupler.hosts import open_series
from support import host_files
from support.host_files import N_DAYS, Truth

Change = Callable[[xarray.Dataset], xarray.Dataset | None]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory, truth: Truth) -> xarray.Dataset:
    (path,) = host_files.write_cice(tmp_path_factory.mktemp("history"), truth)
    with xarray.open_dataset(path, decode_times=False) as file:
        return file.load().drop_encoding()


def refusal(path: Path, dataset: xarray.Dataset, change: Change) -> str:
    """What is said of the files after a change, when all of it is read."""
    changed = dataset.copy(deep=True)
    given = change(changed)
    (changed if given is None else given).to_netcdf(path)
    with pytest.raises(DataError) as error:
        series = open_series([path])
        series.read(range(len(series.days)))
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    "name, value, said",
    [
        ("aice_d", 1.2, "'aice_d' is 1.2 on 1991-01-02 at i=6, j=4, allowed is 0 to 1 (sic)"),
        ("hi_d", -0.5, "'hi_d' is -0.5 m on 1991-01-02 at i=6, j=4, allowed is 0 to 100 m (sit)"),
        ("hs_d", 60.0, "'hs_d' is 60 m on 1991-01-02 at i=6, j=4, allowed is 0 to 50 m (snt)"),
        ("uvel_d", 11.0, "at i=6, j=4, allowed is -10 to 10 m s-1 (siu)"),
        ("aice_d", np.nan, "'aice_d' is nan on 1991-01-02 at i=6, j=4"),
        ("aice_d", np.inf, "'aice_d' is inf on 1991-01-02 at i=6, j=4"),
    ],
)
def test_the_cell_is_named(
    tmp_path: Path, history: xarray.Dataset, name: str, value: float, said: str
) -> None:
    def change(dataset: xarray.Dataset) -> None:
        dataset[name][1, 3, 5] = value

    assert said in refusal(tmp_path / "iceh.nc", history, change)


def test_thickness_and_drift_may_be_missing_where_there_is_no_ice_only(
    tmp_path: Path, history: xarray.Dataset
) -> None:
    bare = history.copy(deep=True)
    bare["aice_d"][1, 3, 5] = 0
    bare["hi_d"][1, 3, 5] = bare["uvel_d"][1, 3, 5] = np.nan
    bare["aice_d"][1, 1, 1], bare["uvel_d"][1, 1, 1] = 1, np.nan  # beside land: no point there
    bare.to_netcdf(tmp_path / "bare.nc")
    read, _ = open_series([tmp_path / "bare.nc"]).read(range(N_DAYS))
    assert not read[1, :4, 3, 5].any()
    assert read[1, 0, 1, 1] == 1
    assert read[1, 3, 1, 1] == 0

    def closed(dataset: xarray.Dataset) -> None:
        dataset["aice_d"][1, 2:5, 2:5] = 1
        dataset["uvel_d"][1, 3, 3] = np.nan

    assert "'uvel_d' is nan m s-1" in refusal(tmp_path / "closed.nc", history, closed)


def units(name: str, text: str, factor: float = 1.0) -> Change:
    def change(dataset: xarray.Dataset) -> None:
        dataset[name] = (dataset[name] * factor).assign_attrs(units=text)

    return change


@pytest.mark.parametrize(
    "change, said",
    [
        (units("aice_d", "%"), "'aice_d' has the units '%', but values such as 1,"),
        (units("aice_d", "1", 100), "'aice_d' has the units '1', but values such as 100,"),
        (units("aice_d", "K"), "'aice_d' has the units 'K': known are '', '1'"),
        (units("hi_d", "cm"), "'hi_d' has the units 'cm', but values such as"),
        (units("hi_d", "m", 100), "'hi_d' has the units 'm', but values such as"),
        (units("hi_d", "kg m-2", 917), "'hi_d' has the units 'kg m-2': known are"),
        (units("uvel_d", "cm s-1"), "'uvel_d' has the units 'cm s-1', but values such as"),
        (units("uvel_d", "m/s", 100), "'uvel_d' has the units 'm/s', but values such as"),
    ],
)
def test_units_that_the_values_contradict(
    tmp_path: Path, history: xarray.Dataset, change: Change, said: str
) -> None:
    assert said in refusal(tmp_path / "iceh.nc", history, change)


@pytest.mark.parametrize("text, factor", [("cm", 100), ("mm", 1000), ("meters", 1), ("", 1)])
def test_units_that_they_agree_with(
    tmp_path: Path, history: xarray.Dataset, truth: Truth, text: str, factor: float
) -> None:
    changed = history.copy(deep=True)
    units("hi_d", text, factor)(changed)
    changed.to_netcdf(tmp_path / "iceh.nc")
    series = open_series([tmp_path / "iceh.nc"])
    sit = series.read(range(N_DAYS))[0][:, series.names.index("sit")]
    np.testing.assert_allclose(sit, truth["sit"], atol=1e-5)


def test_volume_or_thickness_that_cell_methods_contradict(
    tmp_path: Path, history: xarray.Dataset
) -> None:
    def change(dataset: xarray.Dataset) -> None:
        dataset["hi_d"].attrs["cell_methods"] = "area: mean where sea_ice time: mean"

    said = refusal(tmp_path / "iceh.nc", history, change)
    assert "'hi_d' is a volume per cell area by its name and a thickness of the ice" in said


def without_days(dataset: xarray.Dataset) -> xarray.Dataset:
    return dataset.isel(time=slice(0))


def without_time(dataset: xarray.Dataset) -> xarray.Dataset:
    return dataset.drop_vars(["time", "time_bounds"])


def bad_calendar(dataset: xarray.Dataset) -> None:
    dataset["time"].attrs["calendar"] = "lunar"


def nan_time(dataset: xarray.Dataset) -> None:
    dataset["time_bounds"][1] = np.nan


def same_day_twice(dataset: xarray.Dataset) -> None:
    dataset["time_bounds"][1] = dataset["time_bounds"][0]


def nothing_of_ours(dataset: xarray.Dataset) -> xarray.Dataset:
    return dataset[["aice_d"]].rename(aice_d="tsice")


@pytest.mark.parametrize(
    "change, said",
    [
        (without_days, "'aice_d' has no time step: leave out the file"),
        (without_time, "'aice_d' is of (time, nj, ni), needed is (time, y, x) with dates"),
        (bad_calendar, "has times that cannot be read as dates"),
        (nan_time, "has a time that is not a number"),
        (same_day_twice, "'aice_d' has 1991-01-01 twice"),
        (nothing_of_ours, "has none of the formats prepared, cice"),
    ],
)
def test_a_file_that_makes_no_sense(
    tmp_path: Path, history: xarray.Dataset, change: Change, said: str
) -> None:
    assert said in refusal(tmp_path / "iceh.nc", history, change)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.9])
def test_a_truncated_file(tmp_path: Path, truth: Truth, share: float) -> None:
    (path,) = host_files.write_cice(tmp_path, truth)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=r"iceh\.1991\.nc") as error:
        open_series([path]).read(range(N_DAYS))
    assert "\n" not in str(error.value)


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.nc cannot be read \(No such file"):
        open_series([tmp_path / "none.nc"])
    with pytest.raises(DataError, match="is a folder: give its files"):
        open_series([tmp_path])


def test_files_that_do_not_fit_together(tmp_path: Path, truth: Truth) -> None:
    files = host_files.write_cmip6(tmp_path, truth, volumes=False)
    thickness = next(path for path in files if path.name.startswith("sithick"))
    with pytest.raises(DataError, match="'sithick' is a mean over the ice, not over the cell"):
        open_series([thickness])
    with xarray.open_dataset(thickness, decode_times=False) as file:
        file.isel(time=[0, 1]).to_netcdf(tmp_path / "short.nc")
        file.isel(i=slice(1, None)).to_netcdf(tmp_path / "narrow.nc")
        file["time"].attrs["calendar"] = "360_day"
        file.to_netcdf(tmp_path / "calendar.nc")
    others = [path for path in files if path != thickness]
    for name, said in [
        ("short.nc", r"'sic' has 3 days and 'sit' has 2, of which 1991-01-03 is in one only"),
        ("narrow.nc", r"narrow\.nc has 'sit' of 11 x 8 cells, others have 12 x 8"),
        ("calendar.nc", r"differ in their calendar .*'noleap', .*calendar\.nc '360_day'"),
    ]:
        with pytest.raises(DataError, match=said):
            open_series([*others, tmp_path / name])


def test_the_same_day_in_two_files(tmp_path: Path, truth: Truth) -> None:
    (path,) = host_files.write_nemo(tmp_path, truth)
    (tmp_path / "copy.nc").write_bytes(path.read_bytes())
    with pytest.raises(DataError, match=r"copy\.nc: 'siconc' has 1991-01-01 twice, or .*icemod"):
        open_series([path, tmp_path / "copy.nc"])


def test_no_latitude(tmp_path: Path, history: xarray.Dataset) -> None:
    lacking = history.drop_vars(["TLON"])
    lacking.to_netcdf(tmp_path / "iceh.nc")
    with pytest.raises(DataError, match=r"iceh\.nc has no latitude and longitude"):
        _ = open_series([tmp_path / "iceh.nc"]).grid
