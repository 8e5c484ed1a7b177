"""The file is what a reader of CF NetCDF expects, and holds what was generated."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from esm_coupler.fields import FIELDS
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.testing import tiny_grid

from .run import Host, Run
from .tiny_model import SHAPE

NAMES = ("sic", "sit", "snt", "siu", "siv")


@pytest.mark.parametrize("suffix", ["", "_start"])
@pytest.mark.parametrize("name", NAMES)
def test_a_field_says_what_it_is(a_run: Run, name: str, suffix: str) -> None:
    variable, field = a_run.ensemble[name + suffix], FIELDS[name]
    assert variable.dims == ("realization", "y", "x")
    assert variable.attrs["standard_name"] == field.standard_name
    assert variable.attrs["units"] == field.units
    assert variable.attrs["cell_methods"] == field.cell_methods
    assert variable.attrs["cell_measures"] == "area: cell_area"


def test_the_file_has_grid_members_and_both_days(a_run: Run) -> None:
    ensemble, grid = a_run.ensemble, tiny_grid(SHAPE)
    assert ensemble.attrs["Conventions"].startswith("CF-")
    assert ensemble.attrs["fallbacks"] == 0
    assert ensemble["realization"].values.tolist() == [1, 2]
    for name in ("lat", "lon", "cell_area", "mask"):
        assert np.array_equal(ensemble[name].values, getattr(grid, name)), name
    days = [ensemble[name].values.astype("datetime64[D]") for name in ("time_start", "time")]
    assert [str(day) for day in days] == ["1990-03-01", "1990-03-11"]


def test_land_is_zero_and_the_sea_has_ice(a_run: Run) -> None:
    for name in NAMES:
        values = a_run.ensemble[name].values
        assert np.isfinite(values).all()
        assert (values[:, ~tiny_grid(SHAPE).mask] == 0).all()
        assert (values != 0).any()


def test_the_first_day_is_what_python_generates(host: Host, a_run: Run) -> None:
    generator = Generator.load(host.model / "tiny.safetensors", threads=1)
    for k in (0, 1):
        request = Request(member=k + 1, date=datetime.date(1990, 3, 1), seed=1, n_steps=3)
        state = generator.sample(request).state
        for name in NAMES:
            assert (a_run.ensemble[name + "_start"].values[k] == state[name]).all(), name


def test_no_half_written_file_is_left(a_run: Run) -> None:
    assert sorted(path.name for path in a_run.folder.iterdir()) == ["ensemble.nc", "host.nml"]
