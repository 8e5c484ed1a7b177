"""A call with a time limit ends, whatever a rank does: with a status, on every rank that lives."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
from support.mpi import mpirun

from esm_coupler import Generator
from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import rows, tiles, write_table
from .scripts import DATE, NX, NY, bind, domain, sampled, save, saved, start

LIMIT = 60  # s for a whole run, with the start of Python
SLEEPY = """
import time
from esm_coupler.coupling.{module} import {owner}
genuine = {owner}.{method}
def sleepy(*arguments):
    time.sleep({seconds})
    return genuine(*arguments)
{owner}.{method} = sleepy
"""


def _sleepy(hosts: Hosts, where: str, seconds: float) -> str:
    module, owner, method = where.split()
    code = SLEEPY.format(module=module, owner=owner, method=method, seconds=seconds)
    return hosts.python(f"sleepy_{owner}.py", code)


def _ready(hosts: Hosts, ranks: int, **keys: object) -> str:
    script = f"start 1 world {hosts.loopback(**keys)}\n" + domain(hosts, rows(NX, NY, ranks))
    return script + bind(hosts, {"sic": np.ones((NY, NX))})


SLOW_NETWORK = """
import time
import esm_coupler.generator.sampler as module
genuine = module.SAMPLERS["dpm"]
def dpm(denoise, noise, sigmas, fresh, churn):
    def slow(x, sigma):
        time.sleep(1.5)
        return denoise(x, sigma)
    return genuine(slow, noise, sigmas, fresh, churn)
module.SAMPLERS["dpm"] = dpm
def mend():
    module.SAMPLERS["dpm"] = genuine
module.mend = mend
"""


def test_a_sampler_that_takes_too_long_ends_between_two_evaluations(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    script = start(hosts, checkpoint, time_limit=2.0) + domain(hosts, tiles(NX, NY, 2))
    script += bind(hosts, {"sic": np.ones((NY, NX)), "sit": None})
    script += f"on 0 python {hosts.python('slow.py', SLOW_NETWORK)}\ngenerate 1 1 {DATE}\n"
    mend = hosts.python("mend.py", "import esm_coupler.generator.sampler as m\nm.mend()\n")
    script += save(["sic"]) + f"on 0 python {mend}\ngenerate 1 1 {DATE}\nsave sit_1 sit_1.out\n"
    run = hosts.run(script, ranks=2, limit=LIMIT)
    for calls in run.ranks:
        late, again = (call for call in calls if call.verb == "generate")
        assert (late.status, again.status) == (Status.TIME, Status.OK)
        assert "rank 0: the call has worked for" in late.message
        assert float(re.search(r"for ([\d.]+) s", late.message)[1]) < 4.4, "of 4.5 s in all"
    assert (saved(hosts, "sic", 2) == 1).all(), "the late call has written nothing"
    np.testing.assert_array_equal(saved(hosts, "sit", 2), sampled(generator, 1)["sit"])


def test_a_late_sampler_falls_back_and_the_ranks_that_waited_are_not_late(
    hosts: Hosts, checkpoint: Path
) -> None:
    script = start(hosts, checkpoint, time_limit=2.0, on_failure="climatology")
    script += domain(hosts, tiles(NX, NY, 2)) + bind(hosts, {"sic": None})
    script += f"on 0 python {hosts.python('slow.py', SLOW_NETWORK)}\ngenerate 1 1 {DATE}\n"
    run = hosts.run(script, ranks=2, limit=LIMIT)
    assert run.status("generate") == {Status.OK}
    assert "this is a climatology" in run.message("generate")
    assert "time_limit = 2" in run.message("generate")


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_is_late_says_so_on_all_ranks(hosts: Hosts, rank: int) -> None:
    script = _ready(hosts, 2, time_limit=2.0)
    script += f"on {rank} python {_sleepy(hosts, 'route Route pack', 2.5)}\n"
    run = hosts.run(script + f"step 1 {DATE} 60\n", ranks=2, limit=LIMIT)
    assert run.status("step") == {Status.TIME}
    assert run.message("step").startswith(f"rank {rank}: the call has worked for 2.")


@pytest.mark.parametrize(("ranks", "absent"), [(2, 0), (3, 1)])
def test_ranks_that_do_not_come_are_named_and_nobody_waits_for_ever(
    hosts: Hosts, ranks: int, absent: int
) -> None:
    """The rank sleeps in the host, then makes its call, which nobody answers any more."""
    script = _ready(hosts, ranks, time_limit=2.0)
    script += f"on {absent} python {hosts.python('away.py', 'import time; time.sleep(9)')}\n"
    began = time.monotonic()
    run = hosts.run(script + f"generate 1 1 {DATE}\nstep 1 {DATE} 60\nstop 1\n", ranks, limit=LIMIT)
    assert time.monotonic() - began < 30
    for rank, calls in enumerate(run.ranks):
        generate, step, stop = calls[-3:]
        assert {generate.status, step.status, stop.status} == {Status.LOST}
        assert rank == absent or f"rank {absent} did not come within 4 s" in generate.message


# Each call, and what comes before it. With `generate`, `step` and `stop` above these are all.
ALONE = {
    "domain": "",
    "mask": "domain 1\nfield ocean 8 3\n",
    "bind": "domain 1\nfield sic 8 3\n",
    "write_restart": "domain 1\n",
    "read_restart": "domain 1\n",
}
ARGUMENTS = {"mask": "ocean", "bind": "sic", "write_restart": "file", "read_restart": "file"}


def test_no_call_waits_for_ever_for_a_rank_that_never_makes_it(hosts: Hosts) -> None:
    """The next start, which has no limit, finds both ranks again."""
    namelist = hosts.loopback(time_limit=1.0)
    blocks = f"blocks {NX} {NY} 1 {write_table(hosts.folder / 'rows.txt', rows(NX, NY, 2))}\n"
    scripts = {
        call: f"start 1 world {namelist}\n{blocks}{before}on 0 {call} 1 {ARGUMENTS.get(call, '')}\n"
        for call, before in ALONE.items()
    }
    began = time.monotonic()
    runs = hosts.run_each(scripts, ranks=2)
    assert time.monotonic() - began < LIMIT
    for call, run in runs.items():
        assert run.status("start") == {Status.OK}
        assert "rank 1 did not come within 2 s" in run.message(call), call
        assert run.ranks[0][-1].status == Status.LOST


def test_a_killed_rank_is_given_up_by_those_that_live(hosts: Hosts) -> None:
    """Under a launcher that lets the others run: without its help, and without its harm."""
    script = _ready(hosts, 3, time_limit=2.0)
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    script += f"on 1 python {hosts.python('kill.py', kill)}\ngenerate 1 1 {DATE}\n"
    abort = hosts.python("abort.py", "import os\nos._exit(0)\n")
    (hosts.folder / "script.txt").write_text(script + f"python {abort}\n")
    mpirun(
        3, hosts.built / "scripted_plain", "script.txt", "out", timeout=LIMIT, cwd=hosts.folder,
        env={"OMPI_MCA_orte_enable_recovery": "1"},
    )  # fmt: skip
    for rank in (0, 2):
        last = (hosts.folder / f"out.{rank}").read_text().splitlines()[-1].split("\t")
        assert last[:2] == ["generate", str(int(Status.LOST))]
        assert "rank 1 did not come" in last[3]


def test_a_wait_ends_as_soon_as_the_others_come(hosts: Hosts) -> None:
    """Polling must cost a call next to nothing: 200 of them, each of ten meetings."""
    script = _ready(hosts, 2, time_limit=30.0) + "repeat 200\n" + f"generate 1 1 {DATE}\n"
    began = time.monotonic()
    run = hosts.run(script, ranks=2, limit=LIMIT)
    assert run.status("generate") == {Status.OK}
    assert time.monotonic() - began < 40
