"""What a host has bound as forcing: read at generate and step, never written."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np

from .route import Route
from .views import HostArray


class Forcing:
    """The host's arrays of `names`, and a route of their own, which leads to the generator's rank
    and not back: nothing that a call does can write to them."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self.names = names
        self.arrays: dict[str, HostArray] = {}
        self._route: Route | None = None

    def travel_by(self, route: Route) -> None:
        """Take a route over, made for the blocks of all ranks."""
        self._route = route

    def reserve(self) -> None:
        """Buffers and messages for what is bound by now."""
        if self._route is not None and self._route.names != tuple(self.arrays):
            self._route.reserve(tuple(self.arrays))

    def collect(self) -> Generator[None, None, dict[str, np.ndarray]]:
        """Phases: what is bound, by name, as (y, x) float64 on the generator's rank; nothing
        elsewhere."""
        if self._route is None or not self.arrays:
            return {}
        self._route.pack(list(self.arrays.values()))
        yield
        self._route.gather()
        return dict(zip(self.arrays, self._route.values, strict=False))

    def free(self) -> None:
        """Give the messages back to MPI."""
        if self._route is not None:
            self._route.free()
