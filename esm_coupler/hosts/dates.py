"""The day that each time step of a file stands for, in the calendar of its model."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ..errors import DataError

if TYPE_CHECKING:
    from xarray import Dataset

_SAME = {"gregorian": "standard", "proleptic_gregorian": "standard", "365_day": "noleap",
         "366_day": "all_leap"}  # fmt: skip


class Day(NamedTuple):
    """A day of any calendar."""

    year: int
    month: int
    day: int

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


def is_time(dataset: Dataset, name: str) -> bool:
    """Whether a variable counts time since a date."""
    return " since " in str(dataset.variables[name].attrs.get("units", ""))


def days_of(dataset: Dataset, name: str, where: str) -> tuple[tuple[Day, ...], str]:
    """Days of the time variable `name` and their calendar; DataError if it makes no sense.

    A mean is of the middle of its bounds: CICE writes the end of its interval as its time.
    """
    import cftime

    time = dataset.variables[name]
    calendar = str(time.attrs.get("calendar", "standard")).lower()
    numbers = np.atleast_1d(time.values).astype("f8")
    bounds = str(time.attrs.get("bounds", ""))
    if bounds in dataset.variables and dataset.variables[bounds].shape == (*time.shape, 2):
        numbers = dataset.variables[bounds].values.astype("f8").reshape(-1, 2).mean(axis=1)
    if not np.isfinite(numbers).all():
        raise DataError(f"{where} has a time that is not a number: mend or leave out the file")
    try:
        dates = cftime.num2date(numbers, time.attrs["units"], calendar)
    except (ValueError, OverflowError, TypeError) as error:
        raise DataError(
            f"{where} has times that cannot be read as dates ({str(error).partition(chr(10))[0]})"
            f": correct the units and calendar of '{name}'"
        ) from error
    days = tuple(Day(date.year, date.month, date.day) for date in dates)
    return days, _SAME.get(calendar, calendar)


def days_since_start(days: Iterable[Day], calendar: str, start: Day) -> np.ndarray:
    """int32 number of days from `start` to each day."""
    import cftime

    origin = cftime.datetime(*start, calendar=calendar)
    dates = (cftime.datetime(*day, calendar=calendar) for day in days)
    return np.array([(date - origin).days for date in dates], "i4")


def days_of_year(days: Iterable[Day], calendar: str) -> np.ndarray:
    """int64 day of the year from 1; years of 360 days are stretched to 365."""
    import cftime

    numbers = np.array([cftime.datetime(*day, calendar=calendar).dayofyr for day in days])
    return np.rint(numbers * 365 / 360).astype(int) if calendar == "360_day" else numbers
