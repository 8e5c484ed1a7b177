"""Calendar days, and reference states that are weighted to those of others."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.errors import InvalidValueError
from esm_coupler.verify.calendar import (
    calendar_day,
    day_weights,
    days_apart,
    draw_like,
    in_season,
    months,
    years,
)


def dates(*texts: str) -> np.ndarray:
    return np.array(texts, dtype="datetime64[D]")


def test_a_calendar_day_is_the_same_in_every_year() -> None:
    first_of_march = dates("1900-03-01", "1991-03-01", "1992-03-01", "2000-03-01")
    assert (calendar_day(first_of_march) == 59).all()
    assert calendar_day(dates("1991-01-01", "1992-02-29", "1992-12-31")).tolist() == [0, 58, 364]


def test_parts_of_a_date() -> None:
    some = dates("1969-12-31", "1991-07-15")
    assert years(some).tolist() == [1969, 1991] and months(some).tolist() == [12, 7]
    assert in_season(some, "DJF").tolist() == [True, False]
    assert in_season(some, "JJA").tolist() == [False, True]


def test_days_apart_go_around_the_turn_of_the_year() -> None:
    assert days_apart(dates("1991-12-31"), dates("1985-01-02", "1985-12-01")).tolist() == [[2, 30]]


def test_each_date_shares_its_weight_among_years_and_there_among_the_nearest_days() -> None:
    reference = dates("1984-03-01", "1985-03-01", "1984-03-04", "1984-09-01")
    assert day_weights(dates("2018-03-01"), reference).tolist() == [0.5, 0.5, 0, 0]
    assert day_weights(dates("2018-03-01", "2018-09-03"), reference).tolist() == [
        0.25, 0.25, 0, 0.5,
    ]  # fmt: skip
    # 1985 has its nearest day two days off, and two states of it; 1986 none in the window
    others = dates("1984-03-01", "1985-03-03", "1985-03-03", "1986-03-20")
    assert day_weights(dates("2018-03-01"), others).tolist() == [0.5, 0.25, 0.25, 0]


def test_a_date_without_reference_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="within 18 days of the calendar day of 2018-06-18"):
        day_weights(dates("2018-03-01", "2018-06-18"), dates("1984-03-01"))
    with pytest.raises(InvalidValueError):
        day_weights(dates("2018-03-01"), dates())


def test_states_are_drawn_once_and_from_the_same_days() -> None:
    pool = dates("1984-01-01", "1984-03-01", "1984-03-02", "1984-09-01")
    drawn = draw_like(dates("2018-03-01", "2018-03-01", "2018-08-30"), pool)
    assert sorted(drawn.tolist()) == [1, 2, 3]
    assert len(draw_like(dates(*["2018-03-01"] * 9), pool)) == 4


def test_the_sample_of_the_package_has_a_state_near_every_day() -> None:
    every_day = np.datetime64("1991-01-01") + np.arange(365)
    sample = {1990: 30 * np.arange(12), 1991: 15 * np.arange(24)}
    for year, offsets in sample.items():
        weights = day_weights(every_day, np.datetime64(f"{year}-01-01") + offsets)
        assert weights.sum() == pytest.approx(1)
