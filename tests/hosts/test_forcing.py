"""Forcing from files: on the grid or coarser, in K or degrees Celsius; faults by name and place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.errors import DataError
from esm_coupler.hosts.forcing import read_forcing
from esm_coupler.testing import tiny_grid
from support.weather import weather

GRID = tiny_grid()
TIME = {"units": "days since 1990-01-01", "calendar": "noleap"}


def dataset(values: np.ndarray) -> xarray.Dataset:
    """From (day, 3, y, x), the days from 28 February 1990 on."""
    names = ("tas", "uas", "vas")
    made = xarray.Dataset({n: (("time", "y", "x"), values[:, k]) for k, n in enumerate(names)})
    made["time"] = "time", 58 + np.arange(len(values)), TIME
    return made


def write(path: Path, made: xarray.Dataset) -> Path:
    made.to_netcdf(path)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "forcing.nc"


def test_days_and_fields_are_as_in_the_file(path: Path) -> None:
    values = weather(GRID, 3)
    days, read = read_forcing(write(path, dataset(values)), GRID)
    assert [str(day) for day in days] == ["1990-02-28", "1990-03-01", "1990-03-02"]
    assert read.dtype == np.float32 and np.array_equal(read, values.astype("f4"))


def test_bounds_of_times_are_no_time_of_their_own(path: Path) -> None:
    made = dataset(weather(GRID, 2))
    made = made.assign(time_bounds=(("time", "two"), np.array([[58.0, 59], [59, 60]]), TIME))
    made["time"] = "time", np.array([59.0, 60.0]), TIME | {"bounds": "time_bounds"}
    ordered = made[["time_bounds", "tas", "uas", "vas"]]
    days, _ = read_forcing(write(path, ordered), GRID)
    assert [str(day) for day in days] == ["1990-02-28", "1990-03-01"]


def test_degrees_celsius_are_turned_into_kelvin(path: Path) -> None:
    values = weather(GRID, 2)
    colder = values.copy()
    colder[:, 0] -= 273.15
    _, read = read_forcing(write(path, dataset(colder)), GRID)
    assert np.abs(read - values).max() < 1e-4


def test_a_coarser_field_stands_for_its_four_cells(path: Path) -> None:
    coarse = weather(tiny_grid((8, 16)), 2)
    _, read = read_forcing(write(path, dataset(coarse)), GRID)
    fine = coarse.repeat(2, axis=2).repeat(2, axis=3).astype("f4")
    blocks = GRID.mask.reshape(8, 2, 16, 2).all(axis=(1, 3)).repeat(2, axis=0).repeat(2, axis=1)
    assert 0 < blocks.sum() < blocks.size
    assert np.array_equal(read[..., blocks], fine[..., blocks])


def test_a_block_with_land_is_as_the_nearest_that_is_all_ocean(path: Path) -> None:
    """The ring of land takes half of the outer blocks: what they hold is never used."""
    coarse = weather(tiny_grid((8, 16)), 1)
    island = (slice(None), slice(None), 4, 8)  # of the cell y 8, x 16
    spoilt = np.full_like(coarse, np.nan)
    spoilt[..., 1:-1, 1:-1] = coarse[..., 1:-1, 1:-1]
    spoilt[island] = 1e30
    _, read = read_forcing(write(path, dataset(spoilt)), GRID)
    assert np.isfinite(read).all() and np.abs(read).max() < 400
    assert read[0, 0, 1, 5] == np.float32(coarse[0, 0, 1, 2])  # the block north of it
    assert read[0, 0, 15, 31] == np.float32(coarse[0, 0, 6, 14])  # a corner's, on the diagonal
    around = [coarse[0, 0, 4 + j, 8 + i] for j, i in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    assert read[0, 0, 9, 17] in np.float32(around)


def test_what_is_on_land_does_not_matter(path: Path) -> None:
    values = np.where(GRID.mask, weather(GRID, 2), np.nan)
    _, read = read_forcing(write(path, dataset(values)), GRID)
    assert np.array_equal(read[..., GRID.mask], values[..., GRID.mask].astype("f4"))


def with_value(value: float, *index: int) -> xarray.Dataset:
    values = weather(GRID, 2)
    values[index] = value
    return dataset(values)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (with_value(np.nan, 1, 0, 8, 4), "'tas' is nan K on day 2 at i=5, j=9: between 150 and"),
        (with_value(20.0, 0, 0, 8, 4), "'tas' is 20.0 K on day 1 at i=5, j=9"),
        (with_value(np.inf, 0, 1, 3, 4), "'uas' is inf m s-1 on day 1 at i=5, j=4"),
        (with_value(500.0, 1, 2, 3, 4), "'vas' is 500.0 m s-1 on day 2 at i=5, j=4"),
        (dataset(np.full((1, 3, 16, 32), np.nan)), "'tas' is nan K on day 1 at i=2, j=2"),
    ],
)
def test_what_cannot_be_on_ocean_is_refused_by_day_and_place(
    path: Path, made: xarray.Dataset, words: str, recwarn: pytest.WarningsRecorder
) -> None:
    with pytest.raises(DataError, match=words) as raised:
        read_forcing(write(path, made), GRID)
    assert str(path) in str(raised.value)
    assert not recwarn.list


def of_other_days(made: xarray.Dataset) -> xarray.Dataset:
    later = made["vas"].isel(time=slice(0, 1)).rename(time="first").drop_vars("first")
    return made.assign(vas=later)


@pytest.mark.parametrize("name", ["tas", "uas", "vas"])
def test_a_missing_variable_is_named(path: Path, name: str) -> None:
    made = dataset(weather(GRID, 1)).drop_vars(name)
    with pytest.raises(DataError, match=f"has no '{name}': an emulator needs tas, uas, vas"):
        read_forcing(write(path, made), GRID)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.drop_vars("time"), "has no time: forcing needs a day for each field"),
        (lambda d: d.isel(time=slice(0, 0)), "has no time: forcing needs a day for each field"),
        (lambda d: d.isel(time=0), "has no time: forcing needs a day for each field"),
        (lambda d: d.isel(x=slice(0, 30)), r"'tas' has shape \(2, 16, 30\), needed are 2 days of"),
        (lambda d: d.transpose("y", "x", "time"), r"'tas' has shape \(16, 32, 2\), needed are 2"),
        (of_other_days, r"'vas' has shape \(1, 16, 32\), needed are 2 days of \(16, 32\) cells"),
    ],
)
def test_what_is_no_field_a_day_is_refused(
    path: Path, change: Callable[[xarray.Dataset], xarray.Dataset], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read_forcing(write(path, change(dataset(weather(GRID, 2)))), GRID)


@pytest.mark.parametrize("fault", ["absent", "text", "empty", "truncated", "folder", "overwritten"])
def test_a_file_that_cannot_be_read_is_named(path: Path, fault: str) -> None:
    if fault == "text":
        path.write_text("no file of forcing")
    elif fault == "empty":
        path.touch()
    elif fault == "folder":
        path.mkdir()
    elif fault != "absent":
        made, packed = dataset(weather(GRID, 20)), {"zlib": True, "shuffle": True}
        made.to_netcdf(path, encoding={name: packed for name in ("tas", "uas", "vas")})
        whole = path.read_bytes()
        half = len(whole) // 2
        hole = whole[:half] + b"\xff" * (half // 2) + whole[half + half // 2 :]
        path.write_bytes(whole[:half] if fault == "truncated" else hole)
    with pytest.raises(DataError) as raised:
        read_forcing(path, GRID)
    text = str(raised.value)
    assert str(path) in text and "\n" not in text
    assert "cannot be read as forcing (" in text
