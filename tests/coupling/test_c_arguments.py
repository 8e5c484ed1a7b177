"""What a C compiler lets pass and no host may hand over: a status and a sentence on all ranks."""

from __future__ import annotations

import pytest
from support.mpi import mpirun

from esm_coupler.errors import Status

from .hosts_build import Hosts

EXPECTED = {
    "no coupler": (Status.VALUE, "rank 1: esm_start: the coupler is NULL"),
    "no namelist": (Status.CONFIG, "rank 0: esm_start: the namelist is NULL"),
    "start": (Status.OK, ""),
    "domain": (Status.OK, ""),
    "mask without shape": (Status.FIELD, "rank 1: the shape of 'mask' is NULL: pass its 2"),
    "mask of rank -1": (Status.FIELD, "rank 1: 'mask' has rank -1: give an array of rank 2 or 3"),
    "huge mask": (Status.FIELD, "rank 1: 'mask' has extents (4611686018427387904, 3), more than"),
    "no name": (Status.FIELD, "rank 1: the name of a field to bind is NULL"),
    "huge": (Status.FIELD, "rank 1: 'sic' has extents (4611686018427387904, 3), more than"),
    "huge and empty": (Status.FIELD, "rank 1: 'sic' has extents (4611686018427387904, 46"),
    "negative": (Status.FIELD, "rank 1: 'sic' has extents (4, -3): each has to be 0 or more"),
    "rank 4": (Status.FIELD, "rank 1: 'sic' has rank 4: give an array of rank 2 or 3"),
    "rank -1": (Status.FIELD, "rank 1: 'sic' has rank -1: give an array of rank 2 or 3"),
    "no shape": (Status.FIELD, "rank 1: the shape of 'sic' is NULL: pass its 2 extents"),
    "nothing wrong": (Status.OK, ""),
    "no text of that name": (Status.VALUE, "text 'nonsense' is unknown: choose from sha256, pr"),
    "no room": (Status.VALUE, "text 'provenance' takes 23 bytes, and there is room for 8: pass a"),
    "nowhere": (Status.VALUE, "text 'sha256' takes 1 bytes, and there is room for 0"),
    "no state yet": (Status.OK, ""),
    "no diagnostic": (Status.VALUE, "the name of a diagnostic is NULL: choose from calls"),
    "no value": (Status.VALUE, "the value of diagnostic 'calls' is NULL"),
    "no path": (Status.VALUE, "rank 1: the path of a restart is NULL"),
    "stop": (Status.OK, ""),
}


@pytest.mark.parametrize("rank", [0, 1])
def test_arguments_that_cannot_be_right_are_refused_in_one_sentence(
    hosts: Hosts, rank: int
) -> None:
    """The faults are on rank 1, or on both."""
    program = hosts.built / "faulty_arguments"
    done = mpirun(2, program, hosts.loopback(), timeout=90, cwd=hosts.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lines = (hosts.folder / f"arguments.{rank}").read_text().splitlines()
    told = {what: (int(status), text) for what, status, text in (s.split("\t") for s in lines)}
    assert {what: status for what, (status, _) in told.items()} == {
        what: status for what, (status, _) in EXPECTED.items()
    }
    for what, (_, text) in EXPECTED.items():
        assert told[what][1].startswith(text), what
