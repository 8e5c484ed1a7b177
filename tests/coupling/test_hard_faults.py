"""Faults that no library can mend end a run in time; those of the host's surroundings do not."""

from __future__ import annotations

import numpy as np
import pytest
from support.mpi import mpirun

from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import rows
from .scripts import DATE, NX, NY, bind, domain

LIMIT = 60  # s for a whole run; one that hangs fails its test
KILL, TERM = (f"os.kill(os.getpid(), signal.{name})" for name in ("SIGKILL", "SIGTERM"))
ENDS = {  # how, of which rank, where: all ranks pack their cells, the first one generates
    "kill -9": (KILL, 0, "engine LoopbackEngine generate"),
    "SIGTERM": (TERM, 0, "engine LoopbackEngine generate"),
    "exit": ("os._exit(3)", 0, "engine LoopbackEngine generate"),
    "kill -9 of another": (KILL, 1, "route Route pack"),
}
IN_THE_CALL = """
import os, signal
from esm_coupler.coupling.{module} import {owner}
genuine = {owner}.{method}
def ends(*arguments):
    {end}
    return genuine(*arguments)
{owner}.{method} = ends
"""


def _in_the_call(hosts: Hosts, end: str, where: str) -> str:
    module, owner, method = where.split()
    return hosts.python(
        "end.py", IN_THE_CALL.format(module=module, owner=owner, method=method, end=end)
    )


def _ready(hosts: Hosts, ranks: int, **keys: object) -> str:
    script = f"start 1 world {hosts.loopback(**keys)}\n" + domain(hosts, rows(NX, NY, ranks))
    return script + bind(hosts, {"sic": np.ones((NY, NX))})


@pytest.mark.parametrize("end", ENDS)
def test_a_rank_that_ends_in_a_call_ends_the_run(hosts: Hosts, end: str) -> None:
    """Others wait in the call, without a time limit; the launcher sees the death and ends them."""
    how, rank, where = ENDS[end]
    code = _in_the_call(hosts, how, where)
    script = _ready(hosts, 2) + f"on {rank} python {code}\ngenerate 1 1 {DATE}\n"
    (hosts.folder / "script.txt").write_text(script)
    program = hosts.built / "scripted_plain"
    done = mpirun(2, program, "script.txt", "out", timeout=LIMIT, cwd=hosts.folder)
    assert done.returncode != 0
    for rank in range(2):
        assert "generate" not in (hosts.folder / f"out.{rank}").read_text()


def test_a_signal_that_the_host_handles_does_not_disturb_a_call(hosts: Hosts) -> None:
    code = _in_the_call(hosts, TERM, "engine LoopbackEngine generate")
    script = "special\n" + _ready(hosts, 2, time_limit=30.0) + f"on 0 python {code}\n"
    run = hosts.run(script + f"generate 1 1 {DATE}\nstop 1\n", ranks=2, limit=LIMIT)
    assert run.status("generate") == run.status("stop") == {Status.OK}


def test_ranks_outside_the_communicator_need_not_call(hosts: Hosts) -> None:
    """Ranks 0 and 2 are a communicator; rank 1 knows nothing of the coupler."""
    inside = (0, 2)
    domain(hosts, [rows(NX, NY, 2)[0], [], rows(NX, NY, 2)[1]])
    calls = [
        f"start 1 part {hosts.loopback()}", "domain 1", "bind 1 sic",
        f"generate 1 1 {DATE}", f"step 1 {DATE} 60", "stop 1",
    ]  # fmt: skip
    script = f"blocks {NX} {NY} 1 blocks_1_{NX}.txt\nfield sic 8 3\n"
    script += "".join(f"on {rank} {call}\n" for call in calls for rank in inside)
    run = hosts.run(script, ranks=3, limit=LIMIT)
    assert [len(calls) for calls in run.ranks] == [6, 0, 6]
    assert {call.status for calls in run.ranks for call in calls} == {Status.OK}
