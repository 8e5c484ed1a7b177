"""The reference host's own calls, recorded and made again without it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
from support.cli import Outcome, esm_coupler_process
from support.mpi import mpirun

from esm_coupler.coupling.record import rank_files
from esm_coupler.coupling.recording import Recording
from esm_coupler.testing import tiny_checkpoint

from .run import Host, Run
from .tiny_model import SHAPE, namelist

MOST = 1_000_000  # bytes
RANKS = 2


@pytest.fixture(scope="module")
def recorded(host: Host) -> Run:
    text = namelist(host.model, n_days=5) + "&coupler_nml\n  record = 'rec'\n/\n"
    run = host.run_text(text, RANKS)
    assert run.status == 0, run.stderr
    return run


def _replay(recorded: Run, *words: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    return esm_coupler_process("replay", recorded.folder / "rec", *words)


def test_a_recording_is_small_and_has_every_call(recorded: Run) -> None:
    recording = Recording(recorded.folder / "rec")
    assert recording.n_bytes < MOST
    names = [call.name for call in recording.ranks[1].calls]
    assert names == [
        "start", "set_domain", "set_mask", *["bind"] * 5, *["generate", "step"] * 2, "stop",
    ]  # fmt: skip


def test_the_recording_in_the_repository_gives_its_bits_on_1_2_and_3_ranks() -> None:
    """Of another day, so an old recording can be read; in one start of MPI."""
    folder = Path(__file__).parent / "recording"
    program = str(Path(__file__).with_name("replay_on_each.py"))
    done = mpirun(3, sys.executable, program, str(folder))
    assert (done.returncode, done.stderr) == (0, "")
    assert re.findall(r"recorded on 2 ranks: (.*), .* replayed on (.)", done.stdout) == [
        ("13 calls", ranks) for ranks in "123"
    ]
    assert done.stdout.count("  same\n") == 3 * 4
    assert done.stdout.count("the same bits\n") == 3
    assert Recording(folder).n_bytes < MOST / 10


def test_calls_send_what_the_architecture_says_however_many_ranks_there_are() -> None:
    folder = Path(__file__).parent
    program = str(folder / "count_messages.py")
    done = mpirun(2, sys.executable, program, str(folder / "recording"))
    assert done.returncode == 0 and done.stdout.endswith("the same bits\n"), done.stderr
    assert "\nset_domain: 1 Allgather of 48 bytes, 6 Allreduce of 24 bytes, 1 Gath" in done.stderr
    for call, n_bytes in (("generate", 24), ("step", 16)):
        pattern = (
            rf"{call}: 1 Allgather of {n_bytes} bytes, 5 Allreduce of 24 bytes, 1 Bcast of 97 bytes"
            r", 1 message from rank 0 of (\d+) bytes, 1 message to rank 0 of \1 bytes\n"
        )
        assert len(re.findall(pattern, done.stderr)) == 2


@pytest.mark.parametrize("ranks", ["1", "3"])
def test_the_same_bits_come_without_the_host_on_other_ranks(
    recorded: Run, ranks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = _replay(recorded, "--ranks", ranks, monkeypatch=monkeypatch)
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.count("  same") == 4
    assert outcome.out.endswith("the same bits\n")


def test_another_checkpoint_is_noticed_before_any_call(
    recorded: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tiny_checkpoint(tmp_path / "other.safetensors", SHAPE, seed=1)
    words = ("--set", f"generator_nml.checkpoint={other}")
    outcome = _replay(recorded, *words, monkeypatch=monkeypatch)
    assert "the recording was made with checkpoint" in outcome.sentence()


def test_one_changed_bit_is_found(recorded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Last of all: it damages the recording."""
    rank = Recording(recorded.folder / "rec").ranks[1]
    call = next(call for call in rank.calls if call.name == "generate")
    sic = rank.arrays(call.got)["sic"]
    path = rank_files(recorded.folder / "rec", 1)[1]
    content = bytearray(path.read_bytes())
    start = content.index(sic.tobytes(), call.got["sic"])
    place = int(np.flatnonzero(sic.ravel())[0])
    content[start + 8 * place] ^= 1
    path.write_bytes(content)
    outcome = _replay(recorded, monkeypatch=monkeypatch)
    assert "(generate) differs from the recording: 1 values, the first of them 'sic' at" in (
        outcome.sentence()
    )
