"""`esm-coupler prepare` makes one training file of any of the formats, and shows what is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray

import esm_coupler as package
from esm_coupler.hosts import open_series
from esm_coupler.hosts.compact import PRECISION
from esm_coupler.training.data import read_days
from support import host_files
from support.cli import esm_coupler
from support.host_files import Truth

SAMPLE = Path(package.__file__).parent / "data" / "sample"
YEARS = [SAMPLE / f"cice_arctic_{year}.nc" for year in (1990, 1991)]


def test_the_simulation_is_prepared_without_a_change(tmp_path: Path) -> None:
    done = esm_coupler("prepare", *YEARS, "--output", tmp_path / "arctic.nc")
    assert done.status == 0, done.err
    prepared, own = read_days(tmp_path / "arctic.nc", [1990, 1991]), read_days(SAMPLE, [1990, 1991])
    assert np.array_equal(prepared.fields, own.fields)
    assert np.array_equal(prepared.day_of_year, own.day_of_year)
    assert prepared.grid.mask_hash == own.grid.mask_hash
    for year, n_days in ((1990, 12), (1991, 24)):
        assert len(read_days(tmp_path / "arctic.nc", [year]).fields) == n_days
    raw, again = (xarray.open_dataset(path, mask_and_scale=False)
                  for path in (YEARS[1], tmp_path / "arctic.nc"))  # fmt: skip
    with raw, again:
        for name in own.names:
            assert np.array_equal(raw[name].values, again[name].values[12:])


def test_the_table_says_what_is_in_the_file(tmp_path: Path) -> None:
    done = esm_coupler("prepare", YEARS[1], "--output", tmp_path / "arctic.nc")
    lines = done.out.splitlines()
    days = read_days(SAMPLE, [1991])
    assert lines[0].startswith("states: 24 from 1991-01-01 to 1991-12-12 (noleap), 96 x 96")
    row = next(line.split() for line in lines if line.startswith("sit"))
    assert float(row[4]) == pytest.approx(days.fields[:, 1].max(), abs=1e-4)
    with xarray.open_dataset(YEARS[1]) as file:
        extent = ((file["sic"] > 0.15) * file["cell_area"]).sum(("y", "x")).values / 1e12
    assert f"extent {extent.min():.3f} to {extent.max():.3f} million km2 (sic > 0.15)" in lines
    assert lines[-1] == f"wrote {tmp_path}/arctic.nc"


@pytest.mark.parametrize(
    "write",
    [host_files.write_cice, host_files.write_cmip6, host_files.write_nemo,
     host_files.write_nextsim, host_files.write_piomas, host_files.write_satellite],
)  # fmt: skip
def test_any_format_becomes_the_same_layout(tmp_path: Path, truth: Truth, write: object) -> None:
    files = write(tmp_path, truth)
    done = esm_coupler("prepare", *files, "--output", tmp_path / "prepared.nc")
    assert done.status == 0, done.err
    source, prepared = open_series(files), open_series([tmp_path / "prepared.nc"])
    assert prepared.formats == ("prepared",)
    assert (prepared.names, prepared.days) == (source.names, source.days)
    assert prepared.drift_location == source.drift_location
    before, after = (series.read(range(len(series.days)))[0] for series in (source, prepared))
    for k, name in enumerate(source.names):
        largest = 0.5 if name in ("siu", "siv") else 1.0
        np.testing.assert_allclose(after[:, k], before[:, k], atol=largest * PRECISION[name] + 1e-6)
    sic = [values[:, 0] for values in (before, after)]
    assert np.array_equal(sic[0] == 0, sic[1] == 0)
    assert np.array_equal(sic[0] == 1, sic[1] == 1)


def test_years_and_format_are_chosen(tmp_path: Path) -> None:
    options = ("--years", "1989-1991", "--format", "prepared", "--output", tmp_path / "out.nc")
    assert "has no day of 1989" in esm_coupler("prepare", *YEARS, *options).sentence()
    done = esm_coupler("prepare", *YEARS, "--years", "1990", "--output", tmp_path / "out.nc")
    assert done.out.startswith("states: 12 from 1990-01-01")


@pytest.mark.parametrize(
    "option, value", [("--years", "90-"), ("--years", "1991-1990"), ("--format", "grib")]
)
def test_wrong_usage(tmp_path: Path, option: str, value: str) -> None:
    done = esm_coupler("prepare", *YEARS, option, value, "--output", tmp_path / "out.nc")
    assert done.status == 2
    assert value in done.err


def test_nothing_is_written_of_data_that_are_refused(tmp_path: Path, truth: Truth) -> None:
    (path,) = host_files.write_cice(tmp_path, truth)
    with xarray.open_dataset(path, decode_times=False) as file:
        dataset = file.load()
    dataset["hi_d"][2, 3, 3] = -1
    dataset.to_netcdf(tmp_path / "bad.nc")
    done = esm_coupler("prepare", tmp_path / "bad.nc", "--output", tmp_path / "out.nc")
    assert "bad.nc: 'hi_d' is -1 m on 1991-01-03 at i=4, j=4" in done.sentence()
    assert not (tmp_path / "out.nc").exists()


def test_an_output_that_exists_is_replaced_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "out.nc").write_text("mine")
    arguments = ("prepare", YEARS[0], "--output", tmp_path / "out.nc")
    assert "out.nc exists" in esm_coupler(*arguments).sentence()
    assert esm_coupler(*arguments, "--overwrite").status == 0
    assert len(read_days(tmp_path / "out.nc", [1990]).fields) == 12
