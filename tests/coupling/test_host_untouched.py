"""Whatever Python does to its process in a call, the host finds itself as it was.

`Hosts.run` holds this against every call of every test; here Python does its worst.
"""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import read_field, rows, write_field, write_table

NX, NY = 8, 6
BUILDS = ("plain", "trap", "fast")
# All exceptions raised, all flags set, another rounding, another number of threads.
WORST = """
import ctypes
import numpy as np
from esm_coupler.coupling.engine import LoopbackEngine, Result
def generate(self, names, values, member, date):
    one = np.ones(1000)
    with np.errstate(all='ignore'):
        one / 0.0, np.sqrt(-one), np.exp(one * 1e4), np.exp(-one * 1e4), (one * np.nan > 0)
        half = values * 0.5
    process = ctypes.CDLL(None)
    process.fesetround(0x400)
    process.omp_set_num_threads(1)
    return Result(half, 0.0)
LoopbackEngine.generate = generate
"""


def _script(hosts: Hosts, code: str, extra: str = "") -> str:
    return f"""
        special
        openmp 3
        {extra}
        start 1 world {hosts.loopback()}
        blocks {NX} {NY} 1 {write_table(hosts.folder / "blocks.txt", rows(NX, NY, 1))}
        domain 1
        field sic 8 3
        load sic sic.in
        bind 1 sic
        python {hosts.python("code.py", code)}
        generate 1 1 20180301
        step 1 20180301 60
        save sic sic.out
        stop 1
        """


@pytest.mark.parametrize("build", BUILDS)
def test_the_worst_call_changes_nothing_and_kills_nobody(hosts: Hosts, build: str) -> None:
    write_field(hosts.folder / "sic.in", np.full((NY, NX), 4.0))
    run = hosts.run(_script(hosts, WORST), build=build)
    assert run.status("generate") == {Status.OK}


def test_a_host_that_flushes_to_zero_does_not_make_python_do_so(hosts: Hosts) -> None:
    """-Ofast sets flush-to-zero for the whole process; half of the smallest normal number is 0."""
    tiny = np.full((NY, NX), np.finfo(float).tiny)
    write_field(hosts.folder / "sic.in", tiny)
    hosts.run(_script(hosts, WORST), build="fast")
    np.testing.assert_array_equal(read_field(hosts.folder, "sic.out", 1, (NY, NX)), tiny / 2)


def test_traps_that_the_host_sets_by_itself_are_held_back_and_kept(hosts: Hosts) -> None:
    write_field(hosts.folder / "sic.in", np.full((NY, NX), 4.0))
    run = hosts.run(_script(hosts, WORST, extra="trap"))
    assert run.status("generate") == {Status.OK}


def test_what_python_prints_is_not_lost_without_an_end_of_the_interpreter(hosts: Hosts) -> None:
    """A user's own code may print; its buffer is flushed at stop."""
    code = WORST + "print('printed by a test', end='')\n"
    write_field(hosts.folder / "sic.in", np.ones((NY, NX)))
    assert hosts.launch(_script(hosts, code)).printed == "printed by a test"


def test_warnings_and_logs_of_packages_do_not_reach_the_terminal(hosts: Hosts) -> None:
    code = (
        WORST + "import warnings, logging\nwarnings.warn('x')\nlogging.getLogger('x').error('x')\n"
    )
    write_field(hosts.folder / "sic.in", np.ones((NY, NX)))
    hosts.run(_script(hosts, code))  # which holds stdout and stderr to be empty


def test_calls_after_mpi_finalize_get_a_status(hosts: Hosts) -> None:
    write_field(hosts.folder / "sic.in", np.ones((NY, NX)))
    script = _script(hosts, WORST).replace("stop 1", "finalize")
    run = hosts.run(script + "generate 1 1 20180301\nstop 1\n")
    assert run.status("generate") == {Status.MPI}
    assert run.status("stop") == {Status.MPI}
    assert "MPI_Finalize" in run.message("stop")
