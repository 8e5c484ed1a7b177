"""`esm-coupler generate` writes what the namelist asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray

from esm_coupler.config import read_namelist
from esm_coupler.generator.checkpoint import read_checkpoint
from support.cli import esm_coupler


def members(path: Path) -> xarray.Dataset:
    with xarray.open_dataset(path) as dataset:
        return dataset.load()


def test_the_file_has_the_members_and_fields(namelist: Path, tmp_path: Path) -> None:
    done = esm_coupler("generate", namelist)
    assert done.status == 0, done.err
    dataset = members(tmp_path / "ensemble.nc")

    assert list(dataset.realization) == [1, 2, 3]
    assert dataset.sic.dims == ("realization", "y", "x")
    assert {"sic", "sit", "snt", "siu", "siv", "mask", "cell_area"} <= set(dataset.data_vars)
    assert dataset.time.dt.strftime("%Y%m%d").item() == "19900301"
    assert float(dataset.sic.max()) <= 1.0
    assert not np.array_equal(dataset.sic[0], dataset.sic[1])


def test_the_file_says_where_it_came_from(namelist: Path, tmp_path: Path, checkpoint: Path) -> None:
    esm_coupler("generate", namelist, "--set", "ensemble_nml.seed=7")
    attributes = members(tmp_path / "ensemble.nc").attrs

    assert attributes["seed"] == 7
    assert attributes["checkpoint_sha256"] == read_checkpoint(checkpoint).sha256
    assert attributes["namelist"] == namelist.read_text()
    assert attributes["namelist_overrides"] == "ensemble_nml.seed=7"
    assert attributes["threads"] == 1
    assert attributes["batch"] == 1
    assert (attributes["sampler"], attributes["n_steps"], attributes["nfe"]) == ("heun", 2, 3)
    assert "torch" in attributes["source"]
    assert "numpy" in attributes["versions"]


def test_the_options_of_the_command_beat_the_file(namelist: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.nc"
    esm_coupler("generate", namelist, "--set", "ensemble_nml.members=2", "--output", other)

    assert members(other).sizes["realization"] == 2
    assert not (tmp_path / "ensemble.nc").exists()


def test_a_member_is_the_same_in_any_company(namelist: Path, tmp_path: Path) -> None:
    esm_coupler("generate", namelist)
    one = ["--set", "ensemble_nml.first_member=3", "--set", "ensemble_nml.members=1"]
    esm_coupler("generate", namelist, *one, "--output", tmp_path / "third.nc")
    third = members(tmp_path / "third.nc")

    assert list(third.realization) == [3]
    together = members(tmp_path / "ensemble.nc").sel(realization=[3])
    for name in ("sic", "sit", "snt", "siu", "siv"):
        np.testing.assert_array_equal(third[name], together[name])


def test_the_command_gives_the_same_bits_as_python(
    namelist: Path, tmp_path: Path, checkpoint: Path
) -> None:
    from esm_coupler import Generator

    esm_coupler("generate", namelist)
    ensemble = Generator.load(checkpoint, device="cpu").generate(3, date="1990-03-01", n_steps=2)
    np.testing.assert_array_equal(ensemble["sit"], members(tmp_path / "ensemble.nc").sit)


def test_a_log_has_one_line_per_member(namelist: Path) -> None:
    lines = esm_coupler("generate", namelist).out.splitlines()
    assert [line.split(":")[0] for line in lines[:-1]] == ["member 1", "member 2", "member 3"]
    assert "ensemble.nc" in lines[-1]


def test_an_output_that_exists_stays_as_it_is(namelist: Path, tmp_path: Path) -> None:
    output = tmp_path / "ensemble.nc"
    output.write_text("mine")
    said = esm_coupler("generate", namelist).sentence()

    assert "ensemble.nc exists" in said
    assert "overwrite" in said
    assert output.read_text() == "mine"


def test_an_output_may_be_overwritten_on_request(namelist: Path, tmp_path: Path) -> None:
    output = tmp_path / "ensemble.nc"
    output.write_text("mine")
    done = esm_coupler("generate", namelist, "--set", "ensemble_nml.overwrite=.true.")

    assert done.status == 0, done.err
    assert members(output).sizes["realization"] == 3


def test_nothing_but_the_output_is_left(namelist: Path, tmp_path: Path) -> None:
    esm_coupler("generate", namelist)
    assert {path.name for path in tmp_path.iterdir()} == {"run.nml", "ensemble.nc"}


def test_faults_of_the_namelist_are_said_before_anything_is_made(
    namelist: Path, tmp_path: Path
) -> None:
    said = esm_coupler("generate", namelist, "--set", "ensemble_nml.members=0").sentence()
    assert "members = 0" in said
    assert not (tmp_path / "ensemble.nc").exists()


def test_the_namelist_of_a_file_makes_the_file_again(namelist: Path, tmp_path: Path) -> None:
    esm_coupler("generate", namelist, "--set", "ensemble_nml.seed=5")
    first = members(tmp_path / "ensemble.nc")
    copy = tmp_path / "copy.nml"
    copy.write_text(first.attrs["namelist"])
    overrides = first.attrs["namelist_overrides"].splitlines()
    assert read_namelist(copy, overrides).ensemble.seed == 5

    again = tmp_path / "again.nc"
    sets = [item for override in overrides for item in ("--set", override)]
    esm_coupler("generate", copy, *sets, "--output", again)
    np.testing.assert_array_equal(members(again).sic, first.sic)
