"""All ranks come to one verdict, so that no rank waits for one that has failed."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from ..errors import RanksLostError, Status
from .deadline import Deadline
from .failure import WELL, Verdict, explain
from .mpi import MPI
from .patient import PatientComm

# A call's body is a generator function: each `yield` is a meeting point that no rank passes
# unless every rank has reached it. Its return value, if any, is a note for the user.
Phases = Generator[None, None, Any]

CALLS = (
    "start", "set_domain", "set_mask", "bind", "generate", "step", "write_restart", "read_restart",
    "stop",
)  # fmt: skip

_TEXT_BYTES = 16384
_STATUSES = 64  # more than there are


class Agreement:
    """The verdicts of all ranks of one communicator. Its buffers are made once: agreeing on an
    out-of-memory must not need memory."""

    def __init__(self, comm: PatientComm) -> None:
        self.comm = comm
        self.rank = comm.Get_rank()
        self.size = comm.Get_size()
        self._mine = np.zeros(3, np.int64)
        self._worst = np.zeros(3, np.int64)
        self._text = np.zeros(_TEXT_BYTES, np.uint8)

    def settle(self, call: str, verdict: Verdict) -> Verdict:
        """The verdict of the lowest rank that failed, else of the lowest with a note, on all."""
        number = CALLS.index(call)
        self._mine[:] = self._weight(verdict), number, -number
        self.comm.Allreduce(self._mine, self._worst, MPI.MAX)
        weight, last, first = self._worst.tolist()
        if last != -first:
            return Verdict(Status.ORDER, _out_of_step(CALLS[-first], CALLS[last]))
        if not weight:
            return WELL
        remaining, status = divmod(weight % self._failed(), _STATUSES)
        return Verdict(Status(status), self._share(verdict, owner=self.size - remaining))

    def _weight(self, verdict: Verdict) -> int:
        """One number whose maximum tells owner and status: failures before notes, then by rank."""
        if verdict == WELL:
            return 0
        weight = (self.size - self.rank) * _STATUSES + verdict.status
        return weight + self._failed() if verdict.status else weight

    def _failed(self) -> int:
        return (self.size + 1) * _STATUSES

    def _share(self, verdict: Verdict, owner: int) -> str:
        if self.rank == owner:
            self._text[:] = 0
            text = verdict.text
            if verdict.status:
                text = f"rank {self.rank}: {text}"
            encoded = shorten(text, _TEXT_BYTES).encode(errors="replace")[:_TEXT_BYTES]
            self._text[: len(encoded)] = np.frombuffer(encoded, np.uint8)
        self.comm.Bcast(self._text, root=owner)
        return self._text.tobytes().rstrip(b"\0").decode(errors="replace")


def _out_of_step(one: str, other: str) -> str:
    return (
        f"some ranks call {one} and others {other}: every rank of the communicator makes the "
        f"same calls in the same order, ranks without blocks too"
    )


def shorten(text: str, length: int) -> str:
    """Cut the middle out of a long text: its head says what, a traceback's tail says where."""
    if len(text) <= length:
        return text
    half = (length - 5) // 2
    return f"{text[:half]}\n...\n{text[-half:]}"


def run(name: str, call: Callable[[], Phases], agreement: Agreement) -> Verdict:
    """Carry out the call `name`; the same verdict on all ranks, and nobody left waiting."""
    if agreement.comm.lost:
        return Verdict(Status.LOST, agreement.comm.lost)
    agreement.comm.deadline.begin()
    phases = _begin(call)
    try:
        while True:
            verdict, finished = _advance(phases, agreement.comm.deadline)
            agreed = agreement.settle(name, verdict)
            if agreed.status or finished:
                return agreed
    except RanksLostError as error:  # there is nobody to agree with
        return explain(error)
    finally:
        phases.close()


def _begin(call: Callable[[], Phases]) -> Phases:
    """The call's phases; even their making is a part of the first."""
    return (yield from call())


def _advance(phases: Phases, deadline: Deadline) -> tuple[Verdict, bool]:
    """Run to the next meeting point. The one place that catches what a call may raise."""
    deadline.resume()
    try:
        next(phases)
        deadline.check()
    except StopIteration as stop:
        return Verdict(Status.OK, stop.value or ""), True
    except RanksLostError:
        raise
    except BaseException as error:
        return explain(error), False
    finally:
        deadline.pause()
    return WELL, False
