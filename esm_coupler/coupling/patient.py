"""A communicator whose ranks wait for each other, but not for ever.

MPI has no time limit: a rank that waits for a dead one waits until the launcher ends the job, if
it does. With a limit each collective call is started without blocking and asked again and again. A
rank whose patience ends gives the communicator up: what is under way there cannot be taken back,
so no call is made on it any more, and its buffers are kept.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import RanksLostError
from .deadline import PATIENCE, Deadline
from .mpi import MPI

_TAG = 4711
_AT_ONCE = 1e-4  # s after which a rank lets others use its core between two looks
_EAGER = 5e-3  # s for which a rank looks at a request again and again
_PAUSE = 1e-3  # s between two looks afterwards
_abandoned: list[Any] = []  # MPI may still write there


class PatientComm(MPI.Intracomm):
    """The calls of a coupler that wait for other ranks, each ended by its deadline with
    RanksLostError."""

    deadline: Deadline
    lost: str

    def __new__(cls, comm: MPI.Intracomm) -> PatientComm:
        """The same communicator, `comm`, with manners."""
        self = super().__new__(cls, comm)
        self.deadline = Deadline()
        self.lost = ""  # why no call is made on it any more
        return self

    def Allreduce(self, *arguments: Any) -> None:  # noqa: N802 (MPI's names, here and below)
        self._call(super().Allreduce, self.Iallreduce, *arguments)

    def Allgather(self, *arguments: Any) -> None:  # noqa: N802
        self._call(super().Allgather, self.Iallgather, *arguments)

    def Bcast(self, *arguments: Any, root: int = 0) -> None:  # noqa: N802
        self._call(super().Bcast, self.Ibcast, *arguments, root)

    def Gatherv(self, *arguments: Any, root: int = 0) -> None:  # noqa: N802
        self._call(super().Gatherv, self.Igatherv, *arguments, root)

    def Scatterv(self, *arguments: Any, root: int = 0) -> None:  # noqa: N802
        self._call(super().Scatterv, self.Iscatterv, *arguments, root)

    def _call(
        self, blocking: Callable[..., None], start: Callable[..., MPI.Request], *arguments: Any
    ) -> None:
        if not self.deadline.limit:
            blocking(*arguments)
            return
        self._await([start(*arguments)], arguments)

    def wait(self, requests: Sequence[MPI.Request]) -> None:
        """Until all requests that were started have ended."""
        if self.deadline.limit:
            self._await(requests, ())
        else:
            MPI.Request.Waitall(list(requests))

    def _await(self, requests: Sequence[MPI.Request], arguments: Sequence[Any]) -> None:
        _abandoned.append((requests, arguments))
        if _wait(requests, self.deadline.patience_left()):
            _abandoned.pop()
            return
        self.lost = self._who_is_lost()
        raise RanksLostError(self.lost)

    def _who_is_lost(self) -> str:
        try:
            absent = ", ".join(map(str, self._roll_call())) or "unknown (all answer by now)"
        except MPI.Exception as error:  # a library that notices dead ranks
            absent = f"unknown ({error})"
        return (
            f"rank {absent} did not come within {PATIENCE * self.deadline.limit:g} s, "
            f"{PATIENCE:g} times time_limit: this coupler is given up; if that rank is dead, end "
            f"the run with MPI_Abort, because MPI_Finalize may wait for it"
        )

    def _roll_call(self) -> list[int]:
        """The ranks that rank 0 did not hear of; rank 0 itself where that is silent."""
        window = self.deadline.limit / 2
        missing = np.ones(self.size, np.uint8)
        if self.rank == 0:
            missing[0] = 0
            self._await_answers(missing, window)
            here = [rank for rank in range(1, self.size) if not missing[rank]]
            told = [self.Isend(missing, rank, _TAG) for rank in here]
        else:
            mine = np.zeros(1, np.uint8)
            told = [self.Isend(mine, 0, _TAG), self.Irecv(missing, 0, _TAG)]
            _abandoned.append(mine)
            if not _wait(told, 2 * window):
                missing[1:] = 0
        _abandoned.append((told, missing))
        return [int(rank) for rank in np.flatnonzero(missing)]

    def _await_answers(self, missing: np.ndarray, seconds: float) -> None:
        """Clear the entries of ranks that answer in this time."""
        requests = [
            self.Irecv(missing[rank : rank + 1], rank, _TAG) for rank in range(1, self.size)
        ]
        _wait(requests, seconds)
        _abandoned.append(requests)


def _wait(requests: Sequence[MPI.Request], seconds: float) -> bool:
    """Whether all requests end in this time. A long wait leaves its core to the generator."""
    begun = time.monotonic()
    while not MPI.Request.Testall(list(requests)):
        waited = time.monotonic() - begun
        if waited > seconds:
            return False
        if waited > _EAGER:
            time.sleep(_PAUSE)
        elif waited > _AT_ONCE:
            os.sched_yield()
    return True
