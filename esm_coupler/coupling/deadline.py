"""The time limit of a call: who holds it, and how long a rank waits for the others."""

from __future__ import annotations

import time

from ..errors import TimeLimitError

# A rank that is late says so itself, if it can. The others wait for that so many limits long.
PATIENCE = 2.0


class Deadline:
    """`limit` [s] of each call of one coupler on one rank, 0 for none. What counts is a rank's own
    work; its waits for others only count against its patience."""

    def __init__(self) -> None:
        self.limit = 0.0
        self._begun = 0.0
        self._resumed = 0.0
        self._worked = 0.0
        self._was_told = False

    def allow(self, limit: float) -> None:
        """From here on calls have so many seconds, 0 for any."""
        self.limit = limit
        self.begin()

    def begin(self) -> None:
        """A call begins."""
        self._begun = time.monotonic()
        self._worked = 0.0
        self._was_told = False

    def resume(self) -> None:
        """This rank's own work begins."""
        self._resumed = time.monotonic()

    def pause(self) -> None:
        """It comes to a meeting point."""
        self._worked += time.monotonic() - self._resumed

    def check(self) -> None:
        """TimeLimitError if this rank works too long; once, because what follows is the way out."""
        worked = self._worked + time.monotonic() - self._resumed
        if self.limit and worked > self.limit and not self._was_told:
            self._was_told = True
            raise TimeLimitError(
                f"the call has worked for {worked:.1f} s, more than time_limit = {self.limit:g} s "
                f"allows: give it more, or the generator fewer n_steps or a faster device"
            )

    def patience_left(self) -> float:
        """Seconds [s] after which the other ranks are given up; infinite without a limit."""
        if not self.limit:
            return float("inf")
        return self._begun + PATIENCE * self.limit - time.monotonic()
