"""What a forecast has to be better than: the ice of the start, and the usual ice.

Climatology is the mean over training years of a calendar day and of the days around it. Damped
persistence adds to it what is kept of the anomaly at the start. As an ensemble, climatology is the
states of that calendar day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import FieldError
from ..fields import FIELDS
from .calendar import DAYS, SEASONS, calendar_day, in_season, years
from .states import States

WINDOW = 10  # calendar days on each side, over which climatology is smoothed


@dataclass(frozen=True, eq=False)
class Climatology:
    """mean: float32 (calendar day, field, y, x); not a number for days without training states."""

    mean: np.ndarray

    @classmethod
    def of(cls, training: States, window: int = WINDOW) -> Climatology:
        """The mean of all training states within `window` calendar days, around the turn of the
        year."""
        shape = training.fields.shape[1:]
        sums, counts = np.zeros((DAYS, *shape)), np.zeros(DAYS)
        for day, fields in zip(calendar_day(training.dates), training.fields, strict=True):
            sums[day] += fields
            counts[day] += 1
        sums, counts = _running(sums, window), _running(counts, window)
        empty = counts == 0
        counts[empty] = np.nan
        return cls((sums / counts[:, None, None, None]).astype(np.float32))

    def __getitem__(self, dates: np.ndarray) -> np.ndarray:
        """(state, field, y, x) of dates; FieldError where there is no training state near."""
        mean = self.mean[calendar_day(dates)]
        missing = ~np.isfinite(mean[:, 0, 0, 0])
        if missing.any():
            raise FieldError(
                f"no training state is within {WINDOW} days of the calendar day of "
                f"{dates[missing][0]}: give training years that have that time of the year"
            )
        return mean


def _running(values: np.ndarray, window: int) -> np.ndarray:
    """Sums over 2 window + 1 places of the first axis, which is a circle."""
    padded = np.concatenate([values[-window:], values, values[:window]]) if window else values
    sums = np.concatenate([np.zeros_like(values[:1]), padded.cumsum(axis=0)])
    return sums[2 * window + 1 :] - sums[: len(values)]


@dataclass(frozen=True, eq=False)
class DampedPersistence:
    """Climatology of the day that is forecast, plus the anomaly of the start times a damping:
    (season, field) for each lead, in the order of `calendar.SEASONS`, by the day of the start."""

    climatology: Climatology
    damping: dict[int, np.ndarray]
    names: tuple[str, ...]

    @classmethod
    def fit(
        cls, training: States, leads: Sequence[int], window: int = WINDOW
    ) -> DampedPersistence:
        """The least squares over the training years and the ocean, weighted with area. Anomalies
        of a year are from the climatology of the others, as those of a year to come are. FieldError
        if no training state is a lead after another."""
        shape = len(SEASONS), len(training.names)
        products = {lead: np.zeros((2, *shape)) for lead in leads}
        for dates, anomalies in _anomalies(training, window):
            for lead in leads:
                products[lead] += _products(dates, anomalies, lead)
        for lead, (_, squares) in products.items():
            if not squares.any():
                raise FieldError(
                    f"the training years have no two days that are {lead} days apart: give years "
                    "with more of their days, or shorter leads"
                )
        damping = {lead: _slopes(*parts) for lead, parts in products.items()}
        return cls(Climatology.of(training, window), damping, training.names)

    def forecast(
        self, start: np.ndarray, date: np.datetime64, later: np.datetime64, lead: int
    ) -> np.ndarray:
        """(field, y, x) of the day `later`, `lead` days after the start (field, y, x) of `date`;
        within the bounds of each field."""
        season = next(k for k, name in enumerate(SEASONS) if in_season(np.array([date]), name)[0])
        first, last = self.climatology[np.array([date, later])]
        damping = self.damping[lead][season][:, None, None]
        expected = last + damping * (start - first)
        lower, upper = (
            np.array([getattr(FIELDS[name], bound) for name in self.names])[:, None, None]
            for bound in ("lower", "upper")
        )
        return expected.clip(lower, upper)


def _anomalies(training: States, window: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(dates, anomalies (state, field, ocean cell) times the root of the area) of each year. Those
    of a single year are from itself."""
    ocean, year = training.grid.mask, years(training.dates)
    root = np.sqrt(training.grid.cell_area[ocean] / training.grid.cell_area[ocean].sum())
    for number in np.unique(year):
        own = year == number
        of_year = training.subset(own)
        others = training if own.all() else training.subset(~own)
        anomalies = of_year.fields - Climatology.of(others, window)[of_year.dates]
        yield of_year.dates, anomalies[..., ocean] * root.astype(np.float32)


def _products(dates: np.ndarray, anomalies: np.ndarray, lead: int) -> np.ndarray:
    """(2, season, field) sums of anomaly times later anomaly, and of squares of the former."""
    place = {date: index for index, date in enumerate(dates)}
    sums = np.zeros((2, len(SEASONS), anomalies.shape[1]))
    for k, season in enumerate(SEASONS):
        for date in dates[in_season(dates, season)]:
            later = place.get(date + np.timedelta64(lead, "D"))
            if later is not None:
                before = anomalies[place[date]]
                sums[0, k] += (before * anomalies[later]).sum(axis=-1)
                sums[1, k] += np.square(before).sum(axis=-1)
    return sums


def _slopes(products: np.ndarray, squares: np.ndarray) -> np.ndarray:
    """Their ratio; where a season has no pairs, that of the whole year."""
    whole = products.sum(axis=0) / np.maximum(squares.sum(axis=0), np.finfo(float).tiny)
    return np.where(squares > 0, products / np.where(squares > 0, squares, 1.0), whole)


def climatological_members(training: States, date: np.datetime64) -> np.ndarray:
    """(member, field, y, x): the state of the calendar day from each training year that has it.

    FieldError if none has.
    """
    same = calendar_day(training.dates) == calendar_day(np.array([date]))
    if not same.any():
        raise FieldError(f"no training year has the calendar day of {date}: give whole years")
    first_of_year = np.unique(years(training.dates[same]), return_index=True)[1]
    return training.fields[np.flatnonzero(same)[first_of_year]]
