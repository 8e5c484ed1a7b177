"""`esm-coupler generate` writes what the namelist asks for."""

from __future__ import annotations

import operator
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.cli.helpers import Helpers
from esm_coupler.config import read_namelist
from esm_coupler.generator.checkpoint import read_checkpoint
from support.cli import esm_coupler, esm_coupler_process


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
    assert (attributes["sampler"], attributes["n_steps"], attributes["nfe"]) == ("dpm", 2, 2)
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


def test_processes_share_the_members_and_the_file_is_the_same(
    namelist: Path, tmp_path: Path
) -> None:
    five = ["--set", "ensemble_nml.members=5"]
    esm_coupler("generate", namelist, *five, "--output", tmp_path / "alone.nc")
    done = esm_coupler_process("generate", namelist, *five, "--processes", "3")
    assert (done.status, done.err) == (0, "")
    made = [line for line in done.out.splitlines() if "out of bounds" in line]
    assert sorted(line.partition(":")[0] for line in made) == [f"member {k}" for k in range(1, 6)]
    assert done.out.count("made before") == 3, "those of the other processes"
    assert not (tmp_path / "ensemble.nc.parts").exists()
    alone, shared = members(tmp_path / "alone.nc"), members(tmp_path / "ensemble.nc")
    xarray.testing.assert_identical(alone.drop_attrs(), shared.drop_attrs())


def test_what_a_process_has_not_made_is_made_by_the_first(capfd: pytest.CaptureFixture) -> None:
    with Helpers(operator.truediv, [[2], [], [3]]) as helpers:  # 1 / [2] raises
        helpers.wait()
    out, _ = capfd.readouterr()
    assert out.splitlines() == [
        f"process {number} ended with status 1: going on alone" for number in (1, 2)
    ]


def test_restarts_are_made_by_one_process(namelist: Path, tmp_path: Path) -> None:
    initial = ["--set", "ensemble_nml.output_format=si3_initial"]
    said = esm_coupler("generate", namelist, *initial, "--processes", "2").sentence()
    assert "--processes is 2" in said


def test_members_made_in_batches_are_told_and_are_not_taken_for_others(
    namelist: Path, tmp_path: Path
) -> None:
    by_two = ["--set", "generator_nml.batch_members=2", "--set", "generator_nml.precision=bf16"]
    done = esm_coupler("generate", namelist, *by_two)
    assert done.status == 0, done.err
    attributes = members(tmp_path / "ensemble.nc").attrs
    told = attributes["batch"], attributes["reproducible"], attributes["precision"]
    assert told == (2, "false", "bf16")
