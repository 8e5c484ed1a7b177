"""A forecast: one step of the emulator after the other, and what has to be known from one to the
next. That is the date, the forcing of the day, and the member; noise needs no memory."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..errors import InvalidValueError
from ..generator.emulator import Emulator, Step, StepRequest, check_forcing
from ..generator.step_network import STEP_SECONDS
from ..state import State


@dataclass(frozen=True, eq=False)
class Clock:
    """Where a forecast stands: the member, the date of its state (None: not yet told), and the
    forcing of that day (3, y, x) (None: not known)."""

    member: int
    date: datetime.date | None = None
    forcing: np.ndarray | None = None


def advance(
    emulator: Emulator, state: State, clock: Clock, *, date: datetime.date, seconds: float,
    forcing: np.ndarray, seed: int = 1, conserve: bool = False,
    before_evaluation: Callable[[], None] = lambda: None,
) -> tuple[list[Step], Clock]:  # fmt: skip
    """From `date` on by `seconds`, to a day with this forcing (3, y, x): the steps of a day each,
    and the clock afterwards. Of several days the forcing is interpolated in time.

    Without the forcing of the first day that of the last one stands for it. InvalidValueError for
    `seconds` that are no whole number of days, for a date at which the last step did not end, and
    for forcing or a state that is refused: then nothing has changed.
    """
    later = clock_after(clock, date, seconds, forcing, emulator.grid.mask)
    n_days = _days(seconds)
    first = forcing if clock.forcing is None else clock.forcing
    steps: list[Step] = []
    for day in range(n_days):
        ends = (first + (forcing - first) * (k / n_days) for k in (day, day + 1))
        request = StepRequest(
            clock.member, date + datetime.timedelta(days=day), seed=seed, conserve=conserve
        )
        steps.append(emulator.step(state, *ends, request, before_evaluation))
        state = steps[-1].state
    return steps, later


def clock_after(
    clock: Clock, date: datetime.date, seconds: float, forcing: np.ndarray, mask: np.ndarray
) -> Clock:
    """The clock after such a step, with the ocean mask (y, x); raises what `advance` does for its
    arguments, before anything is made."""
    n_days = _days(seconds)
    if clock.date not in (None, date):
        raise InvalidValueError(
            f"step begins at {date:%Y%m%d}, but the state is of {clock.date:%Y%m%d}, where the "
            "last step or generate left it: give that date, or generate anew after a gap"
        )
    check_forcing(forcing, mask)
    later = day_after(date, n_days)
    return replace(clock, date=later, forcing=forcing.copy())


def day_after(date: datetime.date, n_days: int) -> datetime.date:
    """The date so many days later; InvalidValueError behind the last one that there is."""
    try:
        return date + datetime.timedelta(days=n_days)
    except OverflowError:
        raise InvalidValueError(
            f"{n_days} days after {date} there is no date: the last one is {datetime.date.max}"
        ) from None


def _days(seconds: float) -> int:
    """Steps of the emulator in so many seconds; InvalidValueError unless whole and positive."""
    days = seconds / STEP_SECONDS
    if not (0 < days < 1e6 and days == round(days)):
        raise InvalidValueError(
            f"seconds is {seconds:.6g}: the emulator steps by {STEP_SECONDS} s, give this or a "
            "multiple of it"
        )
    return round(days)


def forecast(
    emulator: Emulator, states: Sequence[State], forcing: np.ndarray, date: datetime.date,
    members: Sequence[int], seed: int = 1, conserve: bool = False, batch_members: int = 1,
) -> list[list[Step]]:  # fmt: skip
    """Members (one state each) from `date` on, a step a day with forcing (day, 3, y, x) of the
    first day and all later ones: [day][member]."""
    days: list[list[Step]] = []
    now = list(states)
    for number in range(len(forcing) - 1):
        today = date + datetime.timedelta(days=number)
        requests = [StepRequest(k, today, seed, conserve) for k in members]
        ends = forcing[number].astype("f8"), forcing[number + 1].astype("f8")
        made: list[Step] = []
        for some in range(0, len(now), batch_members):
            part = slice(some, some + batch_members)
            made += emulator.steps(now[part], *ends, requests[part])
        days.append(made)
        now = [step.state for step in made]
    return days
