"""The generators of a coupler, seen from one rank: who makes and keeps which members, and their way
to the first rank."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from .device import GENERATOR_RANK
from .maker import Maker, Member
from .patient import PatientComm
from .seating import gather_texts, require_alike

_TAG = 4712


class Crew:
    """`count` generators, of which `maker` is this rank's, None without one."""

    def __init__(self, comm: PatientComm, count: int, maker: Maker | None) -> None:
        self._comm = comm
        self._rank = comm.Get_rank()
        self._count = count
        self.maker = maker
        if maker is not None and count > 1:
            self._shape = len(maker.generator.names), *maker.generator.grid.shape
            self._parcel = np.zeros(3 + int(np.prod(self._shape)))

    def check(self) -> Generator[None, None, None]:
        """Phases: ConfigError unless all generators give the same bits."""
        if self._count < 2:
            return
        told = yield from gather_texts(self._comm, self.maker.identity() if self.maker else "")
        if told:
            require_alike(told)

    def has(self, member: int, date: int) -> bool:
        """Whether this rank keeps a member that was made ahead."""
        return self.maker is not None and self.maker.has(member, date)

    def make_ahead(self, member: int, date: int) -> str:
        """On all generator ranks but the first, which makes what was asked for: this rank's share
        of the members behind it. A note where that did not go well."""
        if self.maker is None or self._rank == GENERATOR_RANK:
            return ""
        return self.maker.make_ahead(member, date)

    def bring(self, keeper: int, member: int, date: int) -> Generator[None, None, Member | None]:
        """Phases: a member that rank `keeper` keeps, on the first rank; None elsewhere."""
        is_root, is_keeper = self._rank == GENERATOR_RANK, self._rank == keeper
        kept = self.maker.kept(member, date) if is_keeper and self.maker else None
        if keeper == GENERATOR_RANK:
            return kept
        if kept is not None:
            told = kept.seconds, kept.cells_out_of_bounds, kept.cells_changed
            self._parcel[:] = np.concatenate([told, kept.values.ravel()])
        yield
        if is_keeper:
            self._comm.wait([self._comm.Isend(self._parcel, GENERATOR_RANK, _TAG)])
        if not is_root:
            return None
        self._comm.wait([self._comm.Irecv(self._parcel, keeper, _TAG)])
        seconds, out_of_bounds, changed = self._parcel[:3].tolist()
        values = self._parcel[3:].reshape(self._shape).copy()
        return Member(values, seconds, int(out_of_bounds), int(changed))

    def close(self) -> None:
        if self.maker is not None:
            self.maker.close()
