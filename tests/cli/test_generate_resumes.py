"""A run that was killed goes on; one that cannot write leaves nothing half-written."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from cli.conftest import write_namelist
from support.cli import COMMAND, esm_coupler, esm_coupler_process
from support.disk import at_most

MANY = ["--set", "ensemble_nml.members=400"]
Leave = Callable[[int], None]


def kill_after(line: str, *arguments: str | Path) -> None:
    """Start `esm-coupler ARGUMENTS` and kill it without warning once it has said `line`."""
    command = [*COMMAND, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            assert any(said.startswith(line) for said in process.stdout), "it ended before that"
        finally:
            process.kill()  # also where the time of the test is up


@pytest.fixture(scope="module")
def killed(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that was killed after its fifth member."""
    folder = tmp_path_factory.mktemp("killed")
    kill_after("member 5:", "generate", write_namelist(folder, checkpoint), *MANY)
    return folder


@pytest.fixture
def leave(killed: Path, tmp_path: Path) -> Leave:
    """Puts the first members of the killed run where it would have left them."""

    def copy(members: int) -> None:
        for member in range(1, members + 1):
            name = f"ensemble.nc.parts/member_{member:06d}.safetensors"
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(killed / name, tmp_path / name)

    return copy


def values(path: Path) -> np.ndarray:
    with xarray.open_dataset(path) as dataset:
        return dataset.sit.values


def test_a_killed_run_leaves_no_file(killed: Path) -> None:
    assert not (killed / "ensemble.nc").exists()


def test_a_killed_run_does_not_make_its_members_again(
    namelist: Path, tmp_path: Path, leave: Leave
) -> None:
    leave(5)
    done = esm_coupler("generate", namelist, "--set", "ensemble_nml.members=6")
    lines = done.out.splitlines()
    assert lines[:5] == [f"member {k}: made before" for k in range(1, 6)]
    assert {path.name for path in tmp_path.iterdir()} == {"run.nml", "ensemble.nc"}


def test_a_resumed_run_gives_the_same_bits(namelist: Path, tmp_path: Path, leave: Leave) -> None:
    leave(2)
    esm_coupler("generate", namelist)
    esm_coupler("generate", namelist, "--output", tmp_path / "at_once.nc")
    np.testing.assert_array_equal(values(tmp_path / "ensemble.nc"), values(tmp_path / "at_once.nc"))


@pytest.mark.parametrize(
    "other",
    [
        "ensemble_nml.seed=9", "ensemble_nml.date=19900302", "generator_nml.n_steps=3",
        "generator_nml.sampler='heun'", "generator_nml.sigma_min=0.02",
    ],
)  # fmt: skip
def test_members_of_another_request_are_made_again(
    namelist: Path, leave: Leave, other: str
) -> None:
    leave(3)
    done = esm_coupler("generate", namelist, "--set", other)
    assert "made before" not in done.out
    assert done.status == 0


@pytest.mark.parametrize("damage", ["cut", "one bit"])
def test_a_damaged_part_is_made_again(
    namelist: Path, tmp_path: Path, leave: Leave, damage: str
) -> None:
    leave(2)
    part = tmp_path / "ensemble.nc.parts" / "member_000001.safetensors"
    content = bytearray(part.read_bytes())
    content[-3000] ^= 1
    part.write_bytes(content if damage == "one bit" else content[:-100])
    lines = esm_coupler("generate", namelist).out.splitlines()

    assert "made before" not in lines[0]
    assert lines[1] == "member 2: made before"


def test_halves_of_a_killed_run_are_cleared_away(namelist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ensemble.nc.parts"
    folder.mkdir()
    (folder / ".member_000001.safetensors.99.part").write_bytes(b"half")
    (tmp_path / ".ensemble.nc.99.part").write_bytes(b"half")
    assert esm_coupler("generate", namelist).status == 0
    assert {path.name for path in tmp_path.iterdir()} == {"run.nml", "ensemble.nc"}


def test_a_file_of_the_user_among_the_parts_is_not_deleted(namelist: Path, tmp_path: Path) -> None:
    folder = tmp_path / "ensemble.nc.parts"
    folder.mkdir()
    (folder / "notes.txt").write_text("mine")
    assert esm_coupler("generate", namelist).status == 0
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_full_disk_is_said_in_one_sentence_and_leaves_no_half_file(
    namelist: Path, tmp_path: Path
) -> None:
    part = 30_000  # a member fits, twenty in one file do not
    twenty = ["--set", "ensemble_nml.members=20"]
    said = esm_coupler_process(
        "generate", namelist, *twenty, limit=lambda: at_most(part)
    ).sentence()

    assert "ensemble.nc" in said
    assert {p.name for p in tmp_path.iterdir()} == {"run.nml", "ensemble.nc.parts"}
    done = esm_coupler("generate", namelist, *twenty)
    assert done.out.count("made before") == 20


def test_a_disk_too_full_for_one_member_leaves_nothing(namelist: Path, tmp_path: Path) -> None:
    said = esm_coupler_process("generate", namelist, limit=lambda: at_most(1000)).sentence()
    assert "cannot write" in said
    assert {path.name for path in tmp_path.iterdir()} == {"run.nml"}


def test_a_failed_overwrite_keeps_the_old_file(namelist: Path, tmp_path: Path) -> None:
    output = tmp_path / "ensemble.nc"
    output.write_text("mine")
    sets = ["--set", "ensemble_nml.overwrite=.true.", "--set", "ensemble_nml.members=20"]
    esm_coupler_process("generate", namelist, *sets, limit=lambda: at_most(30_000)).sentence()
    assert output.read_text() == "mine"


@pytest.mark.parametrize(
    "output, named",
    [
        ("absent/ensemble.nc", "folder of output"),
        ("run.nml/ensemble.nc", "folder of output"),
        (".", "is a folder"),
        ("/proc/ensemble.nc", "/proc/ensemble.nc"),
    ],
)
def test_an_output_that_cannot_be_written_is_named_before_the_work(
    namelist: Path, tmp_path: Path, output: str, named: str
) -> None:
    done = esm_coupler("generate", namelist, "--output", tmp_path / output)
    assert named in done.sentence()
    assert "member" not in done.out
