"""The reference host's own calls, recorded and made again without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.cli import Outcome, esm_coupler_process

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
