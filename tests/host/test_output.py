"""The file is what a reader of CF NetCDF expects, and holds what was generated."""

from __future__ import annotations

import datetime
import hashlib
import json
import re

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
    names = sorted(path.name for path in a_run.folder.iterdir())
    assert names == ["ensemble.nc", "esm_coupler.log", "host.nml"]


def test_file_and_log_have_the_hash_of_each_generated_member(a_run: Run) -> None:
    ensemble = a_run.ensemble
    fields = np.stack([ensemble[name + "_start"].values for name in NAMES], axis=1)
    made = [hashlib.sha256(member.tobytes()).hexdigest() for member in fields]
    assert ensemble["sha256"].astype(str).values.tolist() == made
    log = (a_run.folder / "esm_coupler.log").read_text()
    assert re.findall(r"generate member \d .* sha256 (\w+)", log) == made


def test_the_file_says_what_its_bits_depend_on(host: Host, a_run: Run) -> None:
    told = json.loads(a_run.ensemble.attrs["provenance"])
    generator = Generator.load(host.model / "tiny.safetensors")
    assert told["checkpoint_sha256"] == generator.checkpoint_sha256
    assert (told["seed"], told["n_steps"], told["reproducible"]) == (1, 3, "true")
