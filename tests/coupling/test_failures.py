"""What goes wrong on one rank is told on all of them, and nobody waits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import read_field, rows, write_field, write_table

NX, NY = 6, 8
LIMIT = 60  # a rank that waits for another would wait for ever
RAISES = {
    "exception": ("raise ZeroDivisionError('by a test')", Status.FAILED, "ZeroDivisionError"),
    "sys.exit": ("import sys; sys.exit(3)", Status.FAILED, "sys.exit(3)"),
    "interrupt": ("raise KeyboardInterrupt", Status.FAILED, "KeyboardInterrupt"),
    "out of memory": ("import numpy; numpy.ones(10**15)", Status.MEMORY, "out of memory"),
    "torch out of memory": (
        "raise RuntimeError('[enforce fail] DefaultCPUAllocator: not enough memory')",
        Status.MEMORY,
        "out of memory",
    ),
}


def _sabotage(hosts: Hosts, where: str, what: str, file: str = "sabotage.py") -> str:
    """Python code that makes a method of the coupling raise."""
    module, _, method = where.partition(":")
    owner, _, name = method.partition(".")
    code = f"""
import esm_coupler.coupling.{module} as module
def sabotaged(*arguments, **keywords):
    {what}
module.{owner}.{name} = sabotaged
"""
    return hosts.python(file, code)


def _ready(hosts: Hosts, ranks: int) -> str:
    table = write_table(hosts.folder / "blocks.txt", rows(NX, NY, ranks))
    write_field(hosts.folder / "sic.in", np.arange(float(NX * NY)).reshape(NY, NX))
    return f"""
        start 1 world {hosts.loopback()}
        blocks {NX} {NY} 1 {table}
        domain 1
        field sic 8 3
        load sic sic.in
        bind 1 sic
        """


@pytest.mark.parametrize("rank", [0, 1])
def test_one_failing_rank_gives_all_ranks_its_status(hosts: Hosts, rank: int) -> None:
    script = _ready(hosts, 2)
    for number, (what, _, _) in enumerate(RAISES.values()):
        file = _sabotage(hosts, "route:Route.pack", what, f"sabotage_{number}.py")
        script += f"on {rank} python {file}\ngenerate 1 1 20180301\n"
    run = hosts.run(script + "save sic sic.out\nstop 1\n", ranks=2, limit=LIMIT)
    for calls in run.ranks:
        failed = [call for call in calls if call.verb == "generate"]
        for number, (_, status, text) in enumerate(RAISES.values()):
            call = failed[number]
            assert call.status == status
            assert text in call.message
            assert call.message.startswith(f"rank {rank}: ")
            assert "Traceback" in call.message
            assert f"sabotage_{number}.py" in call.message
    after = read_field(hosts.folder, "sic.out", 2, (NY, NX))
    np.testing.assert_array_equal(after, np.arange(float(NX * NY)).reshape(NY, NX))
    assert run.status("stop") == {Status.OK}


@pytest.mark.parametrize(
    ("where", "call"),
    [
        ("session:Session.start", "start 2 world loopback.nml"),
        ("session:Session.set_domain", "domain 2"),
        ("domain:Domain.check_extents", "bind 1 sit other"),
        ("domain:Domain.check_extents", "mask 1 other"),
        ("route:Route.deliver", "generate 1 1 20180301"),
        ("views:HostArray.read", "step 1 20180301 60"),
        ("session:Session.stop", "stop 1"),
    ],
)
def test_no_call_hangs_when_the_second_rank_fails(hosts: Hosts, where: str, call: str) -> None:
    verb = call.split()[0]
    script = f"""{_ready(hosts, 2)}
        field other 8 3
        {"start 2 world loopback.nml" if verb == "domain" else ""}
        on 1 python {_sabotage(hosts, where, "raise ValueError('by a test')")}
        {call}
        """
    run = hosts.run(script, ranks=2, limit=LIMIT)
    assert run.status(verb) == {Status.FAILED}
    assert {c.message.splitlines()[0] for c in run.last(verb)} == {"rank 1: ValueError: by a test"}


def test_a_failure_of_the_generator_leaves_all_arrays_as_they_were(hosts: Hosts) -> None:
    script = f"""{_ready(hosts, 3)}
        python {_sabotage(hosts, "engine:LoopbackEngine.step", "raise MemoryError")}
        step 1 20180301 3600
        save sic sic.out
        generate 1 1 20180301
        """
    run = hosts.run(script, ranks=3, limit=LIMIT)
    assert run.status("step") == {Status.MEMORY}
    after = read_field(hosts.folder, "sic.out", 3, (NY, NX))
    np.testing.assert_array_equal(after, np.arange(float(NX * NY)).reshape(NY, NX))
    assert run.status("generate") == {Status.OK}, "the next call works again"


DOUBLED = """
from esm_coupler.coupling.engine import LoopbackEngine, Result
LoopbackEngine.generate = lambda self, names, values, member, date: Result(values * 2, 0.0)
"""
LATE = """
from esm_coupler.coupling.route import Route
genuine = Route.scatter
def scatter(self):
    genuine(self)
    raise RuntimeError("by a test")
Route.scatter = scatter
"""


def test_no_rank_takes_a_result_that_another_could_not_get(hosts: Hosts) -> None:
    script = f"""{_ready(hosts, 2)}
        python {hosts.python("doubled.py", DOUBLED)}
        on 1 python {hosts.python("late.py", LATE)}
        generate 1 1 20180301
        save sic sic.out
        """
    run = hosts.run(script, ranks=2, limit=LIMIT)
    assert run.status("generate") == {Status.FAILED}
    after = read_field(hosts.folder, "sic.out", 2, (NY, NX))
    np.testing.assert_array_equal(after, np.arange(float(NX * NY)).reshape(NY, NX))


def test_a_faulty_namelist_fails_on_all_ranks_in_one_sentence(hosts: Hosts) -> None:
    hosts.write("faulty.nml", "&coupler_nml\n  engnie = 'loopback'\n/\n")
    run = hosts.run("start 1 world faulty.nml\ngenerate 1 1 20180301\n", ranks=2, limit=LIMIT)
    assert run.status("start") == {Status.CONFIG}
    assert "engnie" in run.message("start") and "Traceback" not in run.message("start")
    assert run.status("generate") == {Status.NOT_STARTED}


def test_a_namelist_that_is_not_there_fails_on_all_ranks(hosts: Hosts) -> None:
    run = hosts.run("start 1 world nowhere.nml\n", ranks=2, limit=LIMIT)
    assert run.status("start") == {Status.CONFIG}
    assert "nowhere.nml" in run.message("start")


def test_a_start_may_follow_a_start_that_failed(hosts: Hosts) -> None:
    run = hosts.run(f"start 1 world nowhere.nml\nstart 1 world {hosts.loopback()}\n", ranks=2)
    assert run.status("start") == {Status.OK}


def test_a_log_file_that_cannot_be_opened_is_named(hosts: Hosts) -> None:
    run = hosts.run(f"start 1 world {hosts.loopback(log_file='/nowhere/log')}\n", ranks=2)
    assert run.status("start") == {Status.CONFIG}
    assert "/nowhere/log" in run.message("start")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs a full device")
def test_a_full_disk_under_the_log_file_is_an_error_and_not_a_print(hosts: Hosts) -> None:
    ready = _ready(hosts, 1)
    hosts.loopback(log_file="/dev/full")
    run = hosts.run(ready + "generate 1 1 20180301\n")
    assert run.status("generate") == {Status.FAILED}
    assert "/dev/full" in run.message("generate")
