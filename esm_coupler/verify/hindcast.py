"""Forecasts from days of a year that is known, each scored beside its rivals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError
from ..modes.forecast import forecast
from ..state import State
from .forecast_rivals import DampedPersistence, climatological_members
from .forecast_scores import score
from .spectra import band_power, central_window
from .states import States

if TYPE_CHECKING:
    from ..generator.emulator import Emulator, Step

SPECTRAL_LEAD = 15  # days from which on spectra are looked at
EMULATOR, TWIN = "emulator", "deterministic twin"


@dataclass(frozen=True, eq=False)
class Year:
    """Days in a row: states, and forcing float32 (day, 3, y, x)."""

    states: States
    forcing: np.ndarray

    def __post_init__(self) -> None:
        if len(self.forcing) != len(self.states):
            raise ConfigError(
                f"there are {len(self.states)} days of states and {len(self.forcing)} of forcing: "
                "give a file that has both for each day"
            )
        gaps = np.diff(self.states.dates).astype(int)
        wrong = np.flatnonzero((gaps != 1) & ~_leap_day(self.states.dates[:-1]))
        if len(wrong):
            raise ConfigError(
                f"after {self.states.dates[wrong[0]]} the next state is of "
                f"{self.states.dates[wrong[0] + 1]}: forecasts need each day"
            )

    def starts(self, number: int, longest: int) -> np.ndarray:
        """Indices of so many days, evenly, that have `longest` days after them."""
        last = len(self.states) - 1 - longest
        if last < 0:
            raise ConfigError(
                f"the year has {len(self.states)} days, a forecast of {longest} days needs "
                f"{longest + 1}: give the whole year, or shorter leads"
            )
        return np.unique(np.linspace(0, last, number).astype(int))


def _leap_day(dates: np.ndarray) -> np.ndarray:
    """28 February: calendars of 365 days have 1 March after it in each year."""
    month_day = (dates - dates.astype("datetime64[Y]")).astype("timedelta64[D]").astype(int)
    return month_day == 58


def run_forward(
    emulator: Emulator, year: Year, start: int, days: int, members: int, seed: int = 1,
    states: Sequence[State] | None = None,
) -> Iterator[list[Step]]:  # fmt: skip
    """The steps of all members (1, 2, ..., as a batch) on each day after day `start` of the year.

    From its state, or from `states`, one a member.
    """
    if states is None:
        first = year.states.of_names(emulator.names).fields[start].astype(np.float64)
        states = [State(first, emulator.names, emulator.grid)] * members
    numbers = range(1, members + 1)
    for day in range(start, start + days):
        today = year.states.dates[day].astype(object)
        ends = year.forcing[day : day + 2]
        (steps,) = forecast(emulator, states, ends, today, numbers, seed, batch_members=members)
        states = [step.state for step in steps]
        yield steps


@dataclass(frozen=True, eq=False)
class Rivals:
    """What needs training years, of the fields of an emulator."""

    training: States
    damped: DampedPersistence

    @classmethod
    def of(cls, training: States, leads: Sequence[int]) -> Rivals:
        return cls(training, DampedPersistence.fit(training, leads))

    def forecasts(self, truth: States, start: int, lead: int) -> dict[str, np.ndarray]:
        """Name -> (member, field, y, x) of what each says of the day `start` + `lead`."""
        state, dates = truth.fields[start], truth.dates
        damped = self.damped.forecast(state, dates[start], dates[start + lead], lead)
        return {
            "damped persistence": damped[None], "persistence": state[None],
            "climatology": climatological_members(self.training, dates[start + lead]),
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class Hindcast:
    """One start: `scores` of each forecaster at each lead, `power` (name, band) of the emulators
    and of the truth at long leads, and the members at the last one. Leads are text, as in JSON."""

    scores: dict[str, dict[str, Any]]
    power: dict[str, dict[str, list[list[float]]]]
    last: np.ndarray = field(repr=False)


def hindcast(
    emulators: Mapping[str, tuple[Emulator, int]], year: Year, start: int, leads: Sequence[int],
    rivals: Rivals, seed: int = 1,
) -> Hindcast:  # fmt: skip
    """Forecasts from day `start` of the year by emulators, each with its number of members."""
    names = next(iter(emulators.values()))[0].names
    truth = year.states.of_names(names)
    found: dict[int, dict[str, np.ndarray]] = {lead: {} for lead in leads}
    for name, (emulator, members) in emulators.items():
        steps = run_forward(emulator, year, start, max(leads), members, seed)
        for lead, made in enumerate(steps, start=1):
            if lead in found:
                values = np.stack([step.state.values for step in made])
                found[lead][name] = values
    scores: dict[str, dict[str, Any]] = {}
    power: dict[str, dict[str, Any]] = {"truth": {}}
    for lead in leads:
        happened = truth.fields[start + lead]
        for name, members in (found[lead] | rivals.forecasts(truth, start, lead)).items():
            scored = score(members, happened, names, truth.grid)
            scores.setdefault(name, {})[str(lead)] = scored
        if lead >= SPECTRAL_LEAD:
            power["truth"][str(lead)] = _power(happened[None], truth)
            for name in emulators:
                power.setdefault(name, {})[str(lead)] = _power(found[lead][name], truth)
    return Hindcast(scores, power, found[max(leads)][EMULATOR])


def _power(members: np.ndarray, like: States) -> list[list[float]]:
    """(name, band) of `spectra.spectral_names`, mean over members (member, field, y, x)."""
    dates = np.repeat(like.dates[:1], len(members))
    states = States(members, dates, like.names, like.grid)
    return band_power(states, central_window(like.grid)).mean(axis=0).tolist()
