"""Which states are of the same time of the year: months, seasons, calendar days, and weights."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidValueError

DAYS = 365
# days: the nearest day of a reference may be this far away; the sample of the package has a gap
# of 35 days, whole years have every day
WINDOW = 18
SEASONS = {"DJF": (12, 1, 2), "MAM": (3, 4, 5), "JJA": (6, 7, 8), "SON": (9, 10, 11)}


def years(dates: np.ndarray) -> np.ndarray:
    """(state,) datetime64 -> (state,) year."""
    return dates.astype("datetime64[Y]").astype(int) + 1970


def months(dates: np.ndarray) -> np.ndarray:
    """(state,) datetime64 -> (state,) month from 1."""
    return dates.astype("datetime64[M]").astype(int) % 12 + 1


def in_season(dates: np.ndarray, season: str) -> np.ndarray:
    """(state,) bool: whether a date is in 'DJF', 'MAM', 'JJA' or 'SON'."""
    return np.isin(months(dates), SEASONS[season])


def calendar_day(dates: np.ndarray) -> np.ndarray:
    """(state,) datetime64 -> (state,) day of a year of 365 days, 0 = 1 January; 29 February
    counts as 28 February."""
    day = (dates.astype("datetime64[D]") - dates.astype("datetime64[Y]")).astype(int)
    year = years(dates)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return day - (leap & (day >= 59))


def days_apart(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(m,) and (n,) dates -> (m, n) days between calendar days, around the turn of the year."""
    apart = np.abs(calendar_day(one)[:, None] - calendar_day(other)[None, :])
    return np.minimum(apart, DAYS - apart)


def day_weights(dates: np.ndarray, reference: np.ndarray, window: int = WINDOW) -> np.ndarray:
    """(n_reference,) weights with the sum 1 that give reference states the calendar days of
    `dates`: each date shares its weight among the reference years, and in each of them among the
    states of the nearest day, if that is within `window` days.

    InvalidValueError if a date has none in any year.
    """
    apart, year = days_apart(dates, reference), years(reference)
    shares = np.zeros(apart.shape)
    for number in np.unique(year):
        own = year == number
        nearest = apart[:, own].min(axis=1, keepdims=True)
        same = (apart[:, own] == nearest) & (nearest <= window)
        shares[:, own] = same / np.maximum(1, same.sum(axis=1, keepdims=True))
    total = shares.sum(axis=1, keepdims=True)
    if not total.all():
        raise InvalidValueError(
            f"no reference state is within {window} days of the calendar day of "
            f"{dates[total.argmin()]}: give reference states of that time of the year"
        )
    return (shares / total).mean(axis=0)


def draw_like(dates: np.ndarray, pool: np.ndarray) -> np.ndarray:
    """Indices of different dates of `pool`, one for each of `dates` (as far as there are), with
    the least sum of days between calendar days: as many states, of the same time of the year."""
    from scipy.optimize import linear_sum_assignment

    return linear_sum_assignment(days_apart(dates, pool))[1]
