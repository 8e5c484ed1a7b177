"""A host's time loop with the emulator in it: the steps are those of Python, on any ranks, and
what cannot be stepped is refused by name with nothing changed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.cli import esm_coupler_process

from esm_coupler import Generator
from esm_coupler.errors import Status
from esm_coupler.testing import tiny_emulator

from .emulation import (
    DAY,
    NAMES,
    bind_forcing,
    date_after,
    expected,
    forcing_of,
    load_forcing,
    load_state,
    namelist,
    save_state,
    saved_state,
    start,
)
from .hosts_build import Hosts
from .layouts import Layout, idle, read_field, rows, three_each, tiles, write_field
from .scripts import DATE, NX, NY, domain, sampled

ALL = ("tas", "uas", "vas")
GENERATE = f"generate 1 1 {DATE}\n"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_emulator(tmp_path_factory.mktemp("emulator") / "emulator.safetensors", (NY, NX))


@pytest.fixture(scope="module")
def three_days(generator: Generator, emulator: Path) -> list[np.ndarray]:
    """After a step of a day, and one of two days more."""
    return expected(generator, emulator, [1, 3])


def two_steps(hosts: Hosts) -> str:
    script = load_forcing(hosts, 1) + f"step 1 {DATE} {DAY}\n" + save_state("first")
    script += load_forcing(hosts, 3) + "".join(f"dump {name} before_{name}\n" for name in ALL)
    script += f"step 1 {date_after(1)} {2 * DAY}\n" + save_state()
    return script + "".join(f"dump {n} after_{n}\nedges {n}\n" for n in (*ALL, *NAMES))


@pytest.mark.parametrize(
    ("layout", "ranks"), [(rows, 1), (tiles, 2), (idle, 2), (three_each, 3)],
    ids=["1", "tiles on 2", "one idle of 2", "three each on 3"],
)  # fmt: skip
def test_steps_have_the_bits_of_python_and_leave_the_forcing_alone(
    hosts: Hosts, checkpoint: Path, emulator: Path, three_days: list[np.ndarray],
    layout: Layout, ranks: int,
) -> None:  # fmt: skip
    script = start(hosts, namelist(hosts, checkpoint, emulator), layout(NX, NY, ranks))
    run = hosts.run(
        script + bind_forcing(hosts, 0) + GENERATE + two_steps(hosts)
        + "diagnostic 1 calls\nstop 1\n", ranks,
    )  # fmt: skip
    assert [{c.message for c in run.last(v)} for v in ("generate", "step")] == [{""}, {""}]
    np.testing.assert_array_equal(saved_state(hosts, ranks, "first"), three_days[0])
    np.testing.assert_array_equal(saved_state(hosts, ranks), three_days[1])
    assert set(run.values("edges")) == {0}
    for name in ALL:
        for rank in range(ranks):
            before, after = (
                (hosts.folder / f"{w}_{name}.{rank}").read_bytes() for w in ("before", "after")
            )
            assert before == after, name


def test_halos_of_the_state_are_filled_and_those_of_forcing_are_not(
    hosts: Hosts, checkpoint: Path, emulator: Path, three_days: list[np.ndarray]
) -> None:
    file = namelist(hosts, checkpoint, emulator, halo_fill="closed")
    script = start(hosts, file, rows(NX, NY, 2)) + bind_forcing(hosts, 0) + GENERATE
    run = hosts.run(script + two_steps(hosts), ranks=2)
    touched = run.values("edges")
    per_rank = len(ALL) + len(NAMES)
    for calls in (touched[:per_rank], touched[per_rank:]):
        assert calls[: len(ALL)] == [0] * len(ALL) and min(calls[len(ALL) :]) > 0
    np.testing.assert_array_equal(saved_state(hosts, 2), three_days[1])


def bad(hosts: Hosts, name: str, value: float) -> str:
    values = forcing_of(1)[ALL.index(name)].copy()
    values[9, 4] = value
    return f"load {name} {write_field(hosts.folder / f'{name}_{value}.in', values)}\n"


def test_what_cannot_be_stepped_is_refused_and_the_step_can_be_made_again(
    hosts: Hosts, checkpoint: Path, emulator: Path, three_days: list[np.ndarray]
) -> None:
    right = load_forcing(hosts, 1)
    step = f"step 1 {DATE} {DAY}\n"
    nan = np.full((NY, NX), np.nan)
    ice = f"load sic {write_field(hosts.folder / 'nan.in', nan)}\n"
    cases = {
        bad(hosts, "tas", np.nan) + step: "forcing 'tas' is nan K at i=5, j=10",
        bad(hosts, "tas", -20.0) + step: "forcing 'tas' is -20.0 K at i=5, j=10",
        right + bad(hosts, "vas", np.inf) + step: "forcing 'vas' is inf m s-1 at i=5, j=10",
        right + f"step 1 {DATE} 3600\n": "seconds is 3600: the emulator steps by 86400 s",
        f"step 1 {DATE} nan\n": "seconds is nan: the emulator steps by 86400 s",
        f"step 1 {DATE} -{DAY}\n": "seconds is -86400",
        f"step 1 {date_after(2)} {DAY}\n": f"begins at {date_after(2)}, but the state is of {DATE}",
        f"step 1 20180230 {DAY}\n": "date 20180230 does not exist",
        "save sic kept\n" + ice + step: "field 'sic' is nan at i=2, j=2",
    }
    script = start(hosts, namelist(hosts, checkpoint, emulator), tiles(NX, NY, 2))
    script += bind_forcing(hosts, 0) + GENERATE + save_state("made") + "".join(cases)
    script += save_state("refused") + f"load sic sic.kept\n{step}" + save_state("first")
    generated = sampled(Generator.load(checkpoint, device="cpu"), 1)
    write_field(hosts.folder / "sic.kept", generated["sic"])
    run = hosts.run(script, ranks=2)
    for calls in run.ranks:
        *refused, last = [call for call in calls if call.verb == "step"]
        assert (last.status, last.message) == (Status.OK, "")
        for call, text in zip(refused, cases.values(), strict=True):
            assert call.status == Status.VALUE, text
            assert text in call.message and "\n" not in call.message
    assert run.message("step") == ""
    made, after = (saved_state_but_sic(hosts, 2, stem) for stem in ("made", "refused"))
    np.testing.assert_array_equal(made, after, "nothing has been written")
    np.testing.assert_array_equal(saved_state(hosts, 2, "first"), three_days[0])


def saved_state_but_sic(hosts: Hosts, ranks: int, stem: str) -> np.ndarray:
    """sic holds NaN by then."""
    files = (f"{stem}_{name}" for name in NAMES[1:])
    return np.stack([read_field(hosts.folder, file, ranks, (NY, NX)) for file in files])


def test_generate_needs_no_forcing_and_step_names_what_it_lacks(
    hosts: Hosts, checkpoint: Path, emulator: Path, generator: Generator
) -> None:
    script = start(hosts, namelist(hosts, checkpoint, emulator), rows(NX, NY, 2), NAMES[:4])
    script += bind_forcing(hosts, 1, ("tas", "vas")) + GENERATE + f"step 1 {DATE} {DAY}\n"
    script += bind_forcing(hosts, 1, ("uas",)) + f"step 1 {DATE} {DAY}\n"
    script += f"field siv 8 3\nbind 1 siv\n{GENERATE}step 1 {DATE} {DAY}\n"
    siv = write_field(hosts.folder / "siv.in", sampled(generator, 1)["siv"])
    other = start(hosts, namelist(hosts, checkpoint, emulator), rows(NX, NY, 2))
    other += GENERATE + bind_forcing(hosts, 1) + f"step 1 {DATE} {DAY}\n" + save_state()
    script = script.replace("bind 1 siv\n", f"load siv {siv}\nbind 1 siv\n")
    runs = hosts.run_each({"bound late": script, "without": other}, ranks=2)
    run = runs["bound late"]
    steps = [call for call in run.ranks[1] if call.verb == "step"]
    assert [call.status for call in steps] == [Status.FIELD, Status.FIELD, Status.OK]
    assert "step needs the forcing 'uas', which is not bound" in steps[0].message
    assert "step needs the field 'siv', which is not bound" in steps[1].message
    assert runs["without"].message("step").startswith("note: no forcing is known of the day")
    without = expected(generator, emulator, [1], first=None)
    np.testing.assert_array_equal(saved_state(hosts, 2), without[0])


def test_a_host_that_never_generates_begins_at_its_first_step(
    hosts: Hosts, checkpoint: Path, emulator: Path, generator: Generator
) -> None:
    script = start(hosts, namelist(hosts, checkpoint, emulator), rows(NX, NY, 2))
    script += load_state(hosts, sampled(generator, 1)) + bind_forcing(hosts, 1)
    hosts.run(script + f"step 1 {DATE} {DAY}\n" + save_state(), ranks=2)
    without = expected(generator, emulator, [1], first=None)
    np.testing.assert_array_equal(saved_state(hosts, 2), without[0])


def test_without_step_mode_emulate_forcing_is_unknown(hosts: Hosts, checkpoint: Path) -> None:
    file = hosts.namelist("project.nml", generator={"checkpoint": checkpoint, "device": "cpu"})
    script = start(hosts, file, rows(NX, NY, 1)) + bind_forcing(hosts, 0)
    run = hosts.run(script + "write_restart 1 x\n")
    assert run.status("bind") == {Status.FIELD}
    assert "is bound with step_mode = 'emulate' in &coupler_nml" in run.message("bind")
    assert run.status("write_restart") == {Status.CONFIG}
    assert "write_restart is for a coupler that emulates" in run.message("write_restart")


def test_an_emulator_of_another_grid_and_a_missing_one_fail_the_start(
    hosts: Hosts, checkpoint: Path, tmp_path: Path
) -> None:
    other = tiny_emulator(tmp_path / "other.safetensors", (32, 32))
    files = {
        "other": namelist(hosts, checkpoint, other, name="other.nml"),
        "missing": namelist(hosts, checkpoint, "missing", name="missing.nml"),
    }
    scripts = {which: f"start 1 world {file}\n" for which, file in files.items()}
    runs = hosts.run_each(scripts, ranks=2)
    assert runs["other"].status("start") == {Status.CONFIG}
    message = runs["other"].message("start")
    assert "has another ocean (32 x 32 cells) than the checkpoint" in message
    assert runs["missing"].status("start") == {Status.CHECKPOINT}


def test_a_host_on_another_grid_is_refused_with_weights_and_without(
    hosts: Hosts, checkpoint: Path, emulator: Path
) -> None:
    without = f"start 1 world {namelist(hosts, checkpoint, emulator)}\n"
    without += domain(hosts, tiles(20, 16, 2), nx=20, ny=16)
    given = namelist(hosts, checkpoint, emulator, name="given.nml", weights="w.safetensors")
    runs = hosts.run_each({"without": without, "given": f"start 1 world {given}\n"}, ranks=2)
    assert runs["without"].status("domain") == {Status.DOMAIN}
    assert "weights do not help" in runs["without"].message("domain")
    assert runs["given"].status("start") == {Status.CONFIG}
    assert "weights say that the host has another" in runs["given"].message("start")


def test_only_the_first_rank_imports_torch(hosts: Hosts, checkpoint: Path, emulator: Path) -> None:
    code = "import sys\nif 'torch' in sys.modules: raise SystemExit('torch')\n"
    script = start(hosts, namelist(hosts, checkpoint, emulator), rows(NX, NY, 2))
    script += bind_forcing(hosts, 0) + GENERATE + two_steps(hosts)
    script += f"write_restart 1 r\nread_restart 1 r\non 1 python {hosts.python('t.py', code)}\n"
    run = hosts.run(script, ranks=2)
    assert run.values("python") == [0]
    assert run.status("read_restart") == {Status.OK}


def test_where_the_host_has_its_own_coast_nothing_outside_it_matters(
    hosts: Hosts, checkpoint: Path, emulator: Path, generator: Generator
) -> None:
    ocean = generator.grid.mask.copy()
    ocean[3:5, 6:9] = False
    scripts = {}
    for fill in (np.nan, 7.0):
        script = f"start 1 world {namelist(hosts, checkpoint, emulator)}\n"
        script += start(hosts, "x", tiles(NX, NY, 2)).split("\n", 1)[1].split("field", 1)[0]
        script += f"field mask 8 3\nload mask {write_field(hosts.folder / 'mask.in', ocean)}\n"
        script += "mask 1 mask\n" + "".join(f"field {n} 8 3\nbind 1 {n}\n" for n in NAMES)
        script += bind_forcing(hosts, 0) + GENERATE
        for name in ("tas", "sic"):
            values = sampled(generator, 1)["sic"] if name == "sic" else forcing_of(1)[0]
            values = np.where(ocean, values, fill)
            script += f"load {name} {write_field(hosts.folder / f'{name}.{fill}', values)}\n"
        scripts[f"{fill}"] = script + f"step 1 {DATE} {DAY}\n" + save_state(f"{fill}")
    for run in hosts.run_each(scripts, ranks=2).values():
        assert run.status("step") == {Status.OK}, run.message("step")
    results = [saved_state(hosts, 2, fill) for fill in scripts]
    assert not results[0][:, ~ocean].any() and results[0].any()
    np.testing.assert_array_equal(*results)


FAIL = """
import esm_coupler.generator.emulator as module
genuine = module.Emulator.steps
def steps(self, *arguments):
    module.Emulator.steps = genuine
    raise MemoryError
module.Emulator.steps = steps
"""


@pytest.mark.parametrize("on_failure", ["stop", "unchanged"])
def test_a_step_that_fails_can_be_made_again_or_is_answered_by_on_failure(
    hosts: Hosts, checkpoint: Path, emulator: Path, generator: Generator, on_failure: str
) -> None:
    file = namelist(hosts, checkpoint, emulator, on_failure=on_failure, time_limit=60.0)
    script = start(hosts, file, rows(NX, NY, 2)) + bind_forcing(hosts, 0) + GENERATE
    script += f"on 0 python {hosts.python('fail.py', FAIL)}\n" + load_forcing(hosts, 1)
    script += f"step 1 {DATE} {DAY}\n" + save_state("kept")
    again = date_after(1) if on_failure == "unchanged" else DATE
    run = hosts.run(script + f"step 1 {again} {DAY}\n" + save_state(), ranks=2)
    first, second = [call for call in run.ranks[1] if call.verb == "step"]
    assert first.status == (Status.OK if on_failure == "unchanged" else Status.MEMORY)
    assert second.status == Status.OK
    np.testing.assert_array_equal(saved_state(hosts, 2, "kept"), sampled(generator, 1).values)
    if on_failure == "stop":
        wanted = expected(generator, emulator, [1])[0]
        np.testing.assert_array_equal(saved_state(hosts, 2), wanted)


def test_a_recorded_run_with_a_restart_is_replayed_to_the_bit(
    hosts: Hosts, checkpoint: Path, emulator: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    file = namelist(hosts, checkpoint, emulator, record="rec", log_file="states.log")
    script = start(hosts, file, tiles(NX, NY, 2)) + bind_forcing(hosts, 0) + GENERATE
    script += f"read_restart 1 missing\nstep 1 {DATE} 60\n" + load_forcing(hosts, 1)
    script += f"step 1 {DATE} {DAY}\nwrite_restart 1 restart\ngenerate 1 2 {DATE}\n"
    script += f"read_restart 1 restart\nstep 1 {date_after(1)} {DAY}\nstop 1\n"
    hosts.run(script, ranks=2)
    (hosts.folder / "restart").unlink()
    outcome = esm_coupler_process("replay", hosts.folder / "rec", "--ranks", "1")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("the same bits\n")
    assert outcome.out.count("  same") == 5
    assert not (hosts.folder / "restart").exists()
    assert "step date 20180301 seconds 86400.0" in (hosts.folder / "states.log").read_text()
