"""A recording holds what a host did, whatever became of the run, and can be replayed without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.cli import Outcome, esm_coupler_process
from support.disk import full_disk
from support.mpi import mpirun

from esm_coupler.coupling.failure import WELL, Verdict
from esm_coupler.coupling.record import Recorder, rank_files
from esm_coupler.coupling.recording import Recording
from esm_coupler.errors import ConfigError, Status

from .hosts_build import Hosts
from .layouts import rows, three_each, write_field
from .scripts import DATE, NX, NY, domain

LIMIT = 60
START = {"format": 1, "ranks": 1, "namelist": "", "provenance": {}}


@pytest.fixture(autouse=True)
def _as_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers run tests as root, which Open MPI wants to be told."""
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")


def _replay(folder: Path, *words: str) -> Outcome:
    return esm_coupler_process("replay", folder, *words)


def _loopback(hosts: Hosts, layout: list, **keys: object) -> str:
    """Two fields, of which one is real32, that hold numbers of which real32 can't hold all."""
    values = write_field(hosts.folder / "values.in", np.arange(NX * NY).reshape(NY, NX) / 7)
    script = f"start 1 world {hosts.loopback(record='rec', **keys)}\n" + domain(hosts, layout)
    for name, kind in (("sic", 8), ("sit", 4)):
        script += f"field {name} {kind} 3\nload {name} {values}\nbind 1 {name}\n"
    return script


def test_a_recording_gives_the_same_bits_on_any_number_of_ranks(hosts: Hosts) -> None:
    script = _loopback(hosts, three_each(NX, NY, 3)) + "bind 1 sic\n"
    script += f"generate 1 3 {DATE}\nstep 1 {DATE} 3600\ngenerate 1 4 {DATE}\nstop 1\n"
    run = hosts.run(script, ranks=3, limit=LIMIT)
    assert run.status("generate") == {Status.OK}
    for ranks in ("1", "4", "6"):
        outcome = _replay(hosts.folder / "rec", "--ranks", ranks)
        assert (outcome.status, outcome.err) == (0, "")
        assert "recorded on 3 ranks: 9 calls" in outcome.out
        assert f"replayed on {ranks}\n" in outcome.out
        compared = [line for line in outcome.out.splitlines() if line.endswith("  same")]
        assert [line.split()[1] for line in compared] == ["generate", "step", "generate"]
        assert "not made again" in outcome.out, "sic was bound twice"


def test_the_first_difference_is_named_by_call_field_and_place(hosts: Hosts) -> None:
    script = _loopback(hosts, rows(NX, NY, 2))
    double = (
        "from esm_coupler.coupling.engine import LoopbackEngine, Result\n"
        "def generate(self, names, values, member, date):\n"
        "    values[1, 9, 4] = 5.0\n"
        "    return Result(values, 0.0)\n"
        "LoopbackEngine.generate = generate\n"
    )
    script += f"step 1 {DATE} 60\npython {hosts.python('double.py', double)}\n"
    hosts.run(script + f"generate 1 1 {DATE}\nstep 1 {DATE} 60\n", ranks=2, limit=LIMIT)
    outcome = _replay(hosts.folder / "rec")
    assert outcome.sentence() == (
        "esm-coupler: call 5 (generate) differs from the recording: 1 values, the first of them "
        "'sit' at i=5, j=10"
    )
    assert outcome.out.count("  same") == 1, "the step before it is, and nothing follows it"


def test_a_run_that_was_killed_in_a_call_leaves_what_it_was_given(hosts: Hosts) -> None:
    kill = (
        "import os, signal\nfrom esm_coupler.coupling.engine import LoopbackEngine\n"
        "def generate(*_):\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "LoopbackEngine.generate = generate\n"
    )
    script = _loopback(hosts, rows(NX, NY, 2))
    script += f"on 0 python {hosts.python('kill.py', kill)}\ngenerate 1 7 {DATE}\n"
    (hosts.folder / "script.txt").write_text(script)
    program = hosts.built / "scripted_plain"
    mpirun(2, program, "script.txt", "out", timeout=LIMIT, cwd=hosts.folder)
    recording = Recording(hosts.folder / "rec")
    last = recording.ranks[1].calls[-1]
    assert (last.name, last.status, last.arguments) == (
        "generate", None, {"member": 7, "date": DATE},
    )  # fmt: skip
    given = recording.ranks[1].arrays(last.given)["sic"]
    expected = (np.arange(NX * NY).reshape(NY, NX) / 7)[NY // 2 :]
    np.testing.assert_array_equal(given[0, 1:-1, 1:-1], expected)
    outcome = _replay(hosts.folder / "rec")
    assert outcome.status == 0 and "did not return then" in outcome.out


def test_a_recording_is_not_written_over(hosts: Hosts) -> None:
    (hosts.folder / "rec").mkdir()
    rank_files(hosts.folder / "rec", 1)[0].write_text("")
    run = hosts.run(f"start 1 world {hosts.loopback(record='rec')}\n", ranks=2, limit=LIMIT)
    assert run.status("start") == {Status.CONFIG}
    assert "rank 1: record = 'rec' in &coupler_nml holds a recording" in run.message("start")


def _recorder(folder: Path, megabytes: int = 1) -> Recorder:
    recorder = Recorder()
    recorder.open(str(folder), 0, megabytes)
    recorder.begin("start", **START)
    recorder.end("start", WELL)
    return recorder


def test_a_recording_ends_at_its_size_and_the_message_says_so(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path / "rec")
    field = np.zeros(40_000)
    verdicts = []
    for number in range(6):
        recorder.begin("step", {"sic": field}, date=DATE, seconds=60.0)
        field += 1.0
        verdicts.append(recorder.end("step", WELL))
    told = [verdict.text for verdict in verdicts if verdict.text]
    assert told == [
        f"note: this rank's recording in '{tmp_path}/rec' ends with this call: it has reached "
        "record_mb = 1"
    ]
    assert {verdict.status for verdict in verdicts} == {Status.OK}
    recording = Recording(tmp_path / "rec")
    assert recording.n_bytes <= 1_000_000
    assert [call.status for call in recording.ranks[0].calls] == [0, 0, 0, None]
    assert recording.ranks[0].arrays(recording.ranks[0].calls[2].got)["sic"][0] == 2.0


def test_a_full_disk_ends_the_recording_and_not_the_run(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path / "rec")
    failed = Verdict(Status.VALUE, "member is 0")
    with full_disk(100_000):
        for values in (np.ones(10_000), np.zeros(10_000)):
            recorder.begin("step", {"sic": values}, date=DATE, seconds=60.0)
            verdict = recorder.end("step", failed)
    assert verdict.status == Status.VALUE
    note = f"member is 0\nnote: this rank's recording in '{tmp_path}/rec' ends with this call: "
    assert verdict.text.startswith(note) and verdict.text.endswith("File too large")
    assert recorder.end("step", failed) == failed, "told once"
    (rank,) = Recording(tmp_path / "rec").ranks
    assert [call.status for call in rank.calls] == [Status.OK, Status.VALUE]
    assert (rank.arrays(rank.calls[1].given)["sic"] == 1).all(), "what was there before stays"


def test_an_array_that_did_not_change_is_written_once(tmp_path: Path) -> None:
    recorder = _recorder(tmp_path / "rec")
    field = np.random.default_rng(1).random((1, 40, 50))
    for _ in range(20):
        recorder.begin("step", {"sic": field}, date=DATE, seconds=60.0)
        recorder.end("step", WELL)
    assert field.nbytes < rank_files(tmp_path / "rec", 0)[1].stat().st_size < 1.1 * field.nbytes


def test_half_a_line_at_the_end_is_no_line(tmp_path: Path) -> None:
    _recorder(tmp_path / "rec").begin("step", date=DATE, seconds=60.0)
    lines = rank_files(tmp_path / "rec", 0)[0]
    text = lines.read_bytes()
    for length in range(text.index(b'{"call": "step"') + 1, len(text)):
        lines.write_bytes(text[:length])
        assert [call.name for call in Recording(tmp_path / "rec").ranks[0].calls] == ["start"]


@pytest.mark.parametrize("damage", ["no folder", "no rank", "no json", "no format"])
def test_what_is_no_recording_is_refused(tmp_path: Path, damage: str) -> None:
    lines, arrays = rank_files(tmp_path, 0)
    texts = {
        "no rank": '{"call": "start", "arguments": {"format": 1, "ranks": 2}, "given": {}}\n',
        "no json": "not json\n",
        "no format": '{"call": "start", "arguments": {"format": 0, "ranks": 1}, "given": {}}\n',
    }
    if damage in texts:
        arrays.write_bytes(b"")
        lines.write_text(texts[damage])
    with pytest.raises(ConfigError):
        Recording(tmp_path)
