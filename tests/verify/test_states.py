"""States are read from every kind of file of ours, and refused in a sentence otherwise."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.errors import FieldError, OutputError
from esm_coupler.state import Ensemble
from esm_coupler.testing import tiny_grid
from esm_coupler.verify.states import States, with_common_fields, write_states
from esm_coupler.verify.states_file import is_of_pairs, read_states

from .made_up import NAMES, days, open_grid, random_states


def write_ensemble(path: Path, states: States, date: datetime.date) -> Path:
    numbers = tuple(range(1, len(states) + 1))
    values = states.fields.astype("f8")
    Ensemble(values, numbers, states.names, states.grid, date).to_netcdf(path)
    return path


def write_simulation(path: Path, states: States) -> Path:
    """As the simulation writes: (time, y, x), int16, a calendar without leap days."""
    dataset = states.grid.to_dataset()
    del dataset.attrs["drift_location"]
    for name in states.names:
        packed = np.rint(states[name] / 0.00025).astype("i2")
        dataset[name] = (("time", "y", "x"), packed, {"scale_factor": 0.00025})
    since = (states.dates - np.datetime64("1990-01-01")).astype(int)
    dataset["time"] = ("time", since, {"units": "days since 1990-01-01", "calendar": "noleap"})
    dataset.to_netcdf(path)
    return path


def test_an_ensemble_of_one_date(tmp_path: Path) -> None:
    states = random_states(3)
    path = write_ensemble(tmp_path / "e.nc", states, datetime.date(2018, 3, 1))
    read = read_states(path)
    assert (read.fields == states.fields).all() and read.names == NAMES
    assert (read.dates == np.datetime64("2018-03-01")).all()
    assert read.grid.mask_hash == states.grid.mask_hash
    assert read.grid.drift_location == "northeast"


def test_many_dates_in_one_file_come_back(tmp_path: Path) -> None:
    states = random_states(4, "1990-12-30")
    write_states(states, tmp_path / "s.nc", {"source": "a test"})
    read = read_states(tmp_path / "s.nc")
    assert (read.fields == states.fields).all() and (read.dates == states.dates).all()
    with xarray.open_dataset(tmp_path / "s.nc") as dataset:
        assert dataset["time"].dims == ("realization",)
        assert dataset["sit"].attrs["units"] == "m" and dataset.attrs["source"] == "a test"
    with pytest.raises(OutputError, match="exists"):
        write_states(states, tmp_path / "s.nc")


def test_a_forecast_is_read_day_by_day(tmp_path: Path) -> None:
    states = random_states(6)
    dataset = states.grid.to_dataset()
    for name in states.names:  # states 0, 2, 4 are member 1, the others member 2
        by_member = states[name].reshape(3, 2, *states.grid.shape).swapaxes(0, 1)
        dataset[name] = (("realization", "time", "y", "x"), by_member.astype("f8") / 3)
    dataset["time"] = ("time", [0, 1, 4], {"units": "days since 1990-02-27"})
    dataset.to_netcdf(tmp_path / "forecast.nc")
    read = read_states(tmp_path / "forecast.nc", "f8")
    assert (read.fields == states.fields.astype("f8") / 3).all()
    days = np.array(["1990-02-27", "1990-02-28", "1990-03-03"], "datetime64[D]")
    assert (read.dates == days.repeat(2)).all()


def test_days_of_a_simulation_are_put_on_the_bounds(tmp_path: Path) -> None:
    states = random_states(2, "1990-02-28")
    rows, columns = np.nonzero(states["sic"][0] > 0)
    states.fields[0, 0, rows[0], columns[0]] = 0.996
    states.fields[0, 0, rows[1], columns[1]] = 0.0005
    read = read_states(write_simulation(tmp_path / "1990.nc", states))
    assert read["sic"][0, rows[0], columns[0]] == 1
    assert read["sic"][0, rows[1], columns[1]] == 0 and read["sit"][0, rows[1], columns[1]] == 0
    assert read.dates.tolist() == [datetime.date(1990, 2, 28), datetime.date(1990, 3, 1)]


def test_the_sample_of_the_package() -> None:
    with as_file(files("esm_coupler") / "data/sample") as folder:
        states = read_states(sorted(folder.glob("cice_arctic_*.nc")))
    assert states.names == NAMES and states.fields.shape[2:] == (96, 96)
    assert states.fields.dtype == np.float32
    assert {str(d)[:4] for d in states.dates} == {"1990", "1991"}
    assert [year for year, _, _ in states.single_years()] == [1990, 1991]


def test_a_host_s_file_without_angle_and_with_its_first_day(tmp_path: Path) -> None:
    states = random_states(2)
    with xarray.open_dataset(
        write_ensemble(tmp_path / "e.nc", states, datetime.date(2018, 3, 1))
    ) as dataset:
        host = dataset.load().drop_encoding().drop_vars("angle")
    host["sic_start"], host["time_start"] = host["sic"] * 0, host["time"] - np.timedelta64(15, "D")
    host.to_netcdf(tmp_path / "host.nc")
    read = read_states(tmp_path / "host.nc")
    assert (read.fields == states.fields).all() and read.names == NAMES


def test_several_files_are_joined(tmp_path: Path) -> None:
    for k in (1, 2):
        write_states(random_states(k, seed=k), tmp_path / f"{k}.nc")
    assert len(read_states([tmp_path / "1.nc", tmp_path / "2.nc"])) == 3


def test_missing_values_on_land_are_zero(tmp_path: Path) -> None:
    states = random_states(1)
    write_states(states, tmp_path / "s.nc")
    with xarray.open_dataset(tmp_path / "s.nc") as dataset:
        masked = dataset.load().drop_encoding()
    masked["sic"] = masked["sic"].where(masked["mask"] > 0)
    masked.to_netcdf(tmp_path / "m.nc")
    assert (read_states(tmp_path / "m.nc").fields == states.fields).all()


def lack(name: str) -> Callable[[xarray.Dataset], xarray.Dataset]:
    return lambda d: d.drop_vars(name)


def hole(d: xarray.Dataset) -> xarray.Dataset:
    d["sit"][1, 3, 4] = np.nan
    return d


FAULTS: dict[str, tuple[Callable[[xarray.Dataset], xarray.Dataset], str]] = {
    "no sic": (lack("sic"), "has no variable 'sic'"),
    "no mask": (lack("mask"), "has no variable 'mask'"),
    "no time": (lack("time"), "has no variable 'time'"),
    "a hole": (hole, "'sit' in .* not a number in 1 values of the ocean.*state 2 at i=5, j=4"),
    "empty": (lambda d: d.isel(realization=slice(0)), "has no state in it"),
    "no ocean": (lambda d: d.assign(mask=d.mask * 0), "no ocean cell"),
    "no latitude": (lambda d: d.assign(lat=d.lat * np.nan), "'lat' in .* is not a number"),
    "other order": (lambda d: d.transpose("y", "x", "realization"), "dimensions"),
    "no dates": (lambda d: d.assign_coords(time=("realization", [1.5, 2.5])), "cannot be read"),
    "text": (lambda d: d.assign(sic=(d.sic.dims, np.full(d.sic.shape, "ice"))), "cannot be read"),
}


@pytest.mark.parametrize("fault, said", FAULTS.values(), ids=FAULTS.keys())
def test_a_faulty_file_is_refused(
    tmp_path: Path, fault: Callable[[xarray.Dataset], xarray.Dataset], said: str
) -> None:
    write_states(random_states(2), tmp_path / "sound.nc")
    with xarray.open_dataset(tmp_path / "sound.nc") as dataset:
        sound = dataset.load().drop_encoding()
    fault(sound).to_netcdf(tmp_path / "s.nc")
    with pytest.raises(FieldError, match=said):
        read_states(tmp_path / "s.nc")


@pytest.mark.parametrize("content", ["text", "truncated"])
def test_what_is_no_netcdf_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "s.nc"
    write_states(random_states(2), path)
    path.write_bytes(b"&host_nml /" if content == "text" else path.read_bytes()[:9000])
    with pytest.raises(FieldError, match="s.nc cannot be read as states"):
        read_states(path)
    with pytest.raises(FieldError, match="does not exist"):
        read_states(tmp_path / "none.nc")
    with pytest.raises(FieldError, match="no file"):
        read_states([])


def test_files_of_different_grids_or_fields_are_not_joined(tmp_path: Path) -> None:
    write_states(random_states(1), tmp_path / "a.nc")
    write_states(random_states(1, grid=open_grid(16)), tmp_path / "b.nc")
    write_states(random_states(1).of_names(("sic", "sit")), tmp_path / "c.nc")
    with pytest.raises(FieldError, match="different grids or masks"):
        read_states([tmp_path / "a.nc", tmp_path / "b.nc"])
    with pytest.raises(FieldError, match="different fields"):
        read_states([tmp_path / "a.nc", tmp_path / "c.nc"])


def test_states_are_compared_in_the_fields_that_both_have() -> None:
    states = random_states(2)
    one, other = with_common_fields(states.of_names(("siu", "sit", "sic")), states)
    assert one.names == other.names == ("sic", "sit", "siu")
    assert (one["sit"] == states["sit"]).all()
    with pytest.raises(FieldError, match="need the field 'sic'"):
        with_common_fields(states.of_names(("sit",)), states)
    with pytest.raises(FieldError, match="different grids"):
        with_common_fields(states, random_states(1, grid=open_grid()))


def test_a_wrong_shape_is_refused() -> None:
    grid = tiny_grid()
    with pytest.raises(FieldError, match="have shape"):
        States(np.zeros((2, 1, *grid.shape)), days("1990-01-01", 3), ("sic",), grid)


@pytest.mark.parametrize(
    ("mode", "numbers", "expected"),
    [
        ("perturb", (1, 2, 3, 4), True),
        ("perturb", (5, 6), True),
        ("perturb", (1, 2, 3), False),
        ("perturb", (2, 3), False),
        ("perturb", (2, 1), False),
        ("unconditional", (1, 2), False),
    ],
)
def test_whole_pairs_around_an_analysis_are_known(
    tmp_path: Path, mode: str, numbers: tuple[int, ...], expected: bool
) -> None:
    states = random_states(len(numbers))
    made = Ensemble(
        states.fields.astype("f8"), numbers, states.names, states.grid,
        datetime.date(1990, 3, 1), {"mode": mode},
    )  # fmt: skip
    made.to_netcdf(tmp_path / "ensemble.nc")
    assert is_of_pairs(tmp_path / "ensemble.nc") is expected


def test_days_of_a_simulation_are_no_pairs(tmp_path: Path) -> None:
    path = write_simulation(tmp_path / "days.nc", random_states(2))
    assert not is_of_pairs(path)
