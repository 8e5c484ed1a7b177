"""The way of the fields in one call: every rank's to the first one, and a result to all ranks.

Its methods are phases, see agree.py, but for `owned` and `free`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CallOrderError, InvalidValueError
from .bound import BoundArrays
from .device import GENERATOR_RANK
from .patient import PatientComm
from .report import Report
from .route import Route
from .same import require_same
from .views import HostArray

if TYPE_CHECKING:
    from .engine import Result
    from .first_rank import FirstRank

Arrays = Generator[None, None, np.ndarray]


class Exchange:
    """Of the `bound` arrays by `route`; `first` is known on the first rank only."""

    def __init__(
        self, comm: PatientComm, bound: BoundArrays, route: Route, first: FirstRank | None
    ) -> None:
        self._comm = comm
        self._bound = bound
        self._route = route
        self._first = first
        self._covered = False

    def owned(self) -> np.ndarray:
        """(y, x) bool: cells that a rank owns; on the first rank only."""
        return self._route.owned()

    def mask(self, ocean: HostArray) -> Arrays:
        """The mask of all ranks, (1, y, x) on the first rank."""
        self._route.reserve(("mask",))
        self._route.pack([ocean])
        yield
        self._route.gather()
        yield
        return self._route.values

    def prepare(self, call: str, numbers: np.ndarray, names: Sequence[str]) -> Arrays:
        """Buffers for all bound fields; the same numbers on all ranks, as far as they have names;
        no ocean without owner. Gives everyone's numbers (rank, number)."""
        if not self._bound.coupled:
            raise CallOrderError(f"{call} has nothing to work on: bind at least one field before")
        if self._route.names != self._bound.names:
            self._route.reserve(self._bound.names)
        self._bound.forcing.reserve()
        everyone = np.zeros((self._comm.Get_size(), numbers.size), numbers.dtype)
        yield
        self._comm.Allgather(numbers, everyone)
        require_same(everyone[:, : len(names)], names, InvalidValueError)
        if self._first is not None and not self._covered:
            self._first.engine.check_covered(self._route.owned())
        return everyone

    def collect(self, reads: bool) -> Arrays:
        """The bound arrays together, (field, y, x) on the first rank, and the forcing to the engine
        that wants it. An engine that does not read gets the buffer as it is."""
        if reads:
            self._route.pack(list(self._bound.coupled.values()))
            yield
            self._route.gather()
        forcing = yield from self._bound.forcing.collect()
        if self._first is not None:
            self._first.take_forcing(forcing)
        # Off the root nobody looks at the values: they are handed to an engine, and only the root
        # has one. Its buffer is empty there, so that no rank holds the global grid for nothing.
        return self._route.values

    def hand_out(self, result: Result | None) -> Generator[None, None, Report]:
        """Send the result to all ranks, and write it once all of them have it."""
        report = Report(result)
        if result is not None and result.values is not None:
            self._route.stage(result.values)
        yield
        self._comm.Bcast(report.buffer, root=GENERATOR_RANK)
        if report.has_values:
            self._route.scatter()
        yield
        if report.has_values:
            self._route.deliver(list(self._bound.coupled.values()))
        self._covered = True
        return report

    def free(self) -> None:
        """Give the messages back to MPI."""
        self._route.free()
        self._bound.forcing.free()
