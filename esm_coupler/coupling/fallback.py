"""What a host gets where a state could not be made: a status, its own arrays, a climatology.

Only the making of a state falls back: a sampler or a projection that raises, runs out of memory or
time, or gives what is no sea ice. Wrong arguments, a refused state of the host's, a rank that fails
on the way and calls in the wrong order never do: there the host is to be mended, and hears it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from ..errors import EsmCouplerError, GeneratedStateError, Status, TimeLimitError
from .engine import Result
from .failure import Verdict, explain

if TYPE_CHECKING:
    from ..config import CouplerConfig

Make = Callable[[], Result]

_OWN_FAULTS = (GeneratedStateError, TimeLimitError)


class NoFallbackLeftError(EsmCouplerError):
    """A failure, with its own status, after max_fallbacks others."""

    def __init__(self, text: str, status: Status) -> None:
        super().__init__(text)
        self.status = status


class Fallback:
    """Counts the failures of one coupler that `on_failure` has answered."""

    def __init__(self, options: CouplerConfig, check_time: Callable[[], None]) -> None:
        """`check_time` raises TimeLimitError where a call takes too long."""
        self._options = options
        self._check_time = check_time
        self.count = 0

    def generate(self, make: Make, climatology: Make) -> Result:
        """What `make` gives, else what on_failure says. Raises what may not fall back."""
        return self._attempt(make, climatology)

    def step(self, make: Make) -> Result:
        """The same; a running model keeps its own state rather than a climatology."""
        return self._attempt(make, _nothing)

    def _attempt(self, make: Make, climatology: Make) -> Result:
        try:
            result = replace(make(), fallbacks=self.count)
            self._check_time()
            return result
        except (Exception, SystemExit) as error:  # SystemExit: a package that wants to end the host
            if self._options.on_failure == "stop" or not _is_own_fault(error):
                raise
            verdict = explain(error)
        self._require_left(verdict)
        instead = climatology() if self._options.on_failure == "climatology" else _nothing()
        self.count += 1
        return replace(instead, fallbacks=self.count, note=self._note(instead, verdict))

    def _require_left(self, verdict: Verdict) -> None:
        most = self._options.max_fallbacks
        if self.count >= most:
            raise NoFallbackLeftError(
                f"max_fallbacks = {most} failures were answered with on_failure = "
                f"'{self._options.on_failure}', and there is one more: {verdict.text}",
                verdict.status,
            )

    def _note(self, instead: Result, verdict: Verdict) -> str:
        what = "the arrays are as they were" if instead.values is None else "this is a climatology"
        return (
            f"note: no state could be made, {what} (fallback {self.count} of at most "
            f"{self._options.max_fallbacks}): {verdict.text}"
        )


def _nothing() -> Result:
    """Leaves the host's arrays as they are."""
    return Result(values=None, seconds=0.0)


def _is_own_fault(error: BaseException) -> bool:
    """Not what a host can mend."""
    return isinstance(error, _OWN_FAULTS) or not isinstance(error, EsmCouplerError)
