"""A host that calls for a very long time: memory and file handles stay flat, on every rank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import read_field, rows, tiles
from .scripts import DATE, KINDS, NX, NY, bind, domain, start

LIMIT = 300  # s for a whole run
MOST_GROWTH = 500  # kB
COUNT = """
import os
with open("handles.{rank}", "a") as file:
    handles = os.listdir("/proc/self/fd")
    file.write(str(len(handles)) + "\\n")
"""
# Each state is a copy of the rank's first one; its concentration tells member and rank.
STUB = """
from dataclasses import replace
from esm_coupler.generator.generator import Generator
from esm_coupler.state import State
genuine, first = Generator.samples, []
def samples(self, requests, *others):
    if not first:
        first.extend(genuine(self, requests[:1], *others))
    state, found = first[0].state, []
    for request in requests:
        values = state.values.copy()
        values[0][state.grid.mask] = request.member / 65536 + {rank} / 2
        found.append(replace(first[0], state=State(values, state.names, state.grid)))
    return found
Generator.samples = samples
"""
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/fd").is_dir(), reason="counts handles in /proc"
)


def _counted(hosts: Hosts, ranks: int) -> str:
    """Note handles and memory of each rank."""
    names = [hosts.python(f"count_{r}.py", COUNT.format(rank=r)) for r in range(ranks)]
    return "".join(f"on {r} python {name}\n" for r, name in enumerate(names)) + "memory\n"


def _require_flat(hosts: Hosts, memory: list[int], rank: int) -> None:
    before, after = memory
    assert after - before < MOST_GROWTH, f"kB on rank {rank}"
    first, last = (hosts.folder / f"handles.{rank}").read_text().split()
    assert first == last, f"handles on rank {rank}"


def test_ten_thousand_calls(hosts: Hosts) -> None:
    """With all that a call may have: a time limit, and a line in a log."""
    namelist = hosts.loopback(log_file="calls.log", time_limit=30.0)
    script = f"start 1 world {namelist}\n" + domain(hosts, rows(NX, NY, 1))
    script += bind(hosts, {"sic": np.ones((NY, NX))})
    count = _counted(hosts, 1)
    script += f"repeat 500\ngenerate 1 1 {DATE}\n" + count
    script += f"repeat 5000\ngenerate 1 1 {DATE}\nrepeat 5000\nstep 1 {DATE} 60\n" + count
    run = hosts.run(script + "diagnostic 1 calls\n", limit=LIMIT)
    assert float(run.message("diagnostic")) == 10500
    _require_flat(hosts, run.values("memory"), 0)


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [1, 2])
def test_members_made_ahead(hosts: Hosts, checkpoint: Path, ranks: int) -> None:
    """All are kept for later calls; on two ranks each second one has to be brought from the other.
    One member that stayed would be 20 kB."""
    early, calls = 1_000, 10_000
    keys = {"members_ahead": 4, "generator_ranks": ranks, "log_file": "log", "time_limit": 30.0}
    script = start(hosts, checkpoint, **keys) + domain(hosts, tiles(NX, NY, ranks))
    script += bind(hosts, dict.fromkeys(KINDS))
    for rank in range(ranks):
        code = hosts.python(f"stub_{rank}.py", STUB.format(rank=rank))
        script += f"on {rank} python {code}\n"
    members = [f"generate 1 {member} {DATE}\n" for member in range(1, early + calls + 1)]
    count = _counted(hosts, ranks)
    script += "".join(members[:early]) + count + "".join(members[early:]) + count
    script += "save sic_1 sic.out\ndiagnostic 1 calls\n"
    run = hosts.run(script, ranks, limit=LIMIT)
    assert set(run.values("generate")) == {Status.OK}
    assert float(run.message("diagnostic")) == early + calls
    for rank, told in enumerate(run.ranks):
        _require_flat(hosts, [c.status for c in told if c.verb == "memory"], rank)
    sic = read_field(hosts.folder, "sic.out", ranks, (NY, NX))
    last = (early + calls) / 65536 + (ranks - 1) / 2
    assert sic.max() == last, "the last member, of the last generator"
