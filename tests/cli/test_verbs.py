"""Help, usage and exit status of every verb, and the small verbs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.cli.main import app
from esm_coupler.config import parse_namelist
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.namelist_template import MODES
from support.cli import COMMAND, esm_coupler, esm_coupler_process

VERBS = [command.callback.__name__ for command in app.registered_commands]


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_has_an_example(verb: str) -> None:
    done = esm_coupler(verb, "--help")
    assert done.status == 0
    assert "Example:" in done.out
    assert f"esm-coupler {verb}" in done.out


def test_help_lists_every_verb() -> None:
    out = esm_coupler("--help").out
    assert all(verb in out for verb in [*VERBS, "bench"])


def test_help_of_a_bench_has_an_example() -> None:
    assert "esm-coupler bench bridge" in esm_coupler("bench", "bridge", "--help").out


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys, esm_coupler.cli.main; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [["paint"], ["generate"], ["generate", "--no-such-option", "x"], ["namelist"],
     ["namelist", "no-such-mode"], ["namelist", "generate", "--reference"], ["validate"]],
    ids=" ".join,
)  # fmt: skip
def test_wrong_usage_has_status_2(arguments: list[str]) -> None:
    done = esm_coupler(*arguments)
    assert done.status == 2
    assert "Usage" in done.err


def test_the_status_reaches_the_shell(namelist: Path, tmp_path: Path) -> None:
    assert esm_coupler_process("validate", namelist).status == 0
    assert "absent.nml" in esm_coupler_process("validate", tmp_path / "absent.nml").sentence()
    assert esm_coupler_process("validate").status == 2


def test_validate_says_that_a_namelist_is_valid(namelist: Path) -> None:
    done = esm_coupler("validate", namelist)
    assert done.status == 0
    assert "valid" in done.out


def test_validate_says_every_fault(namelist: Path) -> None:
    sets = ["--set", "ensemble_nml.members=0", "--set", "generator_nml.device=gpu"]
    done = esm_coupler("validate", namelist, *sets)
    assert done.status == 1
    assert len(done.err.splitlines()) == 2


@pytest.mark.parametrize("mode", MODES)
def test_namelist_prints_a_valid_template(mode: str) -> None:
    parse_namelist(esm_coupler("namelist", mode).out, mode)


def test_namelist_prints_the_reference() -> None:
    assert "## &ensemble_nml" in esm_coupler("namelist", "--reference").out


def test_inspect_prints_the_manifest(checkpoint: Path) -> None:
    manifest = json.loads(esm_coupler("inspect", checkpoint).out)
    assert manifest["kind"] == "generator"
    assert manifest["fields"] == ["sic", "sit", "snt", "siu", "siv"]
    assert manifest["sha256"] == read_checkpoint(checkpoint).sha256


def test_inspect_writes_the_grid(checkpoint: Path, tmp_path: Path) -> None:
    from esm_coupler.testing import tiny_grid

    done = esm_coupler("inspect", checkpoint, "--grid", tmp_path / "grid.nc")
    assert done.status == 0, done.err
    with xarray.open_dataset(tmp_path / "grid.nc") as written:
        np.testing.assert_array_equal(written.mask, tiny_grid().mask)
        assert {"lat", "lon", "cell_area", "angle"} <= set(written.variables)


def test_inspect_replaces_a_grid_on_request_only(checkpoint: Path, tmp_path: Path) -> None:
    grid = tmp_path / "grid.nc"
    grid.write_text("mine")
    said = esm_coupler("inspect", checkpoint, "--grid", grid).sentence()
    assert "grid.nc exists" in said
    assert "--overwrite" in said
    assert grid.read_text() == "mine"
    assert esm_coupler("inspect", checkpoint, "--grid", grid, "--overwrite").status == 0
    assert grid.read_bytes() != b"mine"


def test_inspect_says_where_a_grid_cannot_go(checkpoint: Path, tmp_path: Path) -> None:
    done = esm_coupler("inspect", checkpoint, "--grid", tmp_path / "absent" / "grid.nc")
    assert "grid.nc" in done.sentence()


def test_train_needs_a_training_group(namelist: Path) -> None:
    assert "&training_nml" in esm_coupler("train", namelist).sentence()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a full device")
def test_a_full_standard_output_is_said_in_one_sentence(checkpoint: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [*COMMAND, "inspect", str(checkpoint)]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr
