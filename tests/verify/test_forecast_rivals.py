"""Rivals of a forecast do what their names say."""

from __future__ import annotations

import numpy as np
import pytest
from verify.made_up import NAMES, days

from esm_coupler.errors import FieldError
from esm_coupler.testing import tiny_grid
from esm_coupler.verify.calendar import SEASONS, calendar_day
from esm_coupler.verify.forecast_rivals import (
    Climatology,
    DampedPersistence,
    climatological_members,
)
from esm_coupler.verify.states import States, joined

GRID = tiny_grid((16, 32))


def season(dates: np.ndarray) -> np.ndarray:
    return 5 + np.sin(2 * np.pi * calendar_day(dates) / 365)


def autoregressive(year: int, keeps: float, seed: int) -> States:
    """A year of sit with a season and an anomaly of which a share is kept from day to day."""
    rng, dates = np.random.default_rng(seed), days(f"{year}-01-01", 365)
    anomaly = np.zeros((365, *GRID.shape))
    noise = np.sqrt(1 - keeps**2) * rng.standard_normal(anomaly.shape)
    anomaly[0] = rng.standard_normal(GRID.shape)
    for day in range(1, 365):
        anomaly[day] = keeps * anomaly[day - 1] + noise[day]
    fields = np.zeros((365, len(NAMES), *GRID.shape), "f4")
    fields[:, 1] = (season(dates)[:, None, None] + 0.2 * anomaly) * GRID.mask
    fields[:, 0] = 0.9 * GRID.mask
    return States(fields, dates, NAMES, GRID)


@pytest.fixture(scope="module")
def training() -> States:
    return joined([autoregressive(year, 0.9, year) for year in (1985, 1986, 1987, 1989, 1990)])


@pytest.fixture(scope="module")
def damped(training: States) -> DampedPersistence:
    return DampedPersistence.fit(training, (1, 5))


def test_climatology_is_the_season_and_goes_round_the_year(training: States) -> None:
    dates = days("1991-01-01", 365, 7)
    found = Climatology.of(training)[dates][:, 1][:, GRID.mask].mean(axis=1)
    assert np.allclose(found, season(dates), atol=0.02)


def test_climatology_of_a_day_is_the_mean_of_the_days_around_it(training: States) -> None:
    last = days("1991-12-31", 1)
    near = np.isin(calendar_day(training.dates), [362, 363, 364, 0, 1])
    expected = training.fields[near].mean(axis=0, dtype="f8")
    assert np.allclose(Climatology.of(training, window=2)[last][0], expected, atol=1e-5)


def test_damping_of_an_autoregression_is_its_coefficient(training: States) -> None:
    """Where climatology is known well: no season, and so a mean over whole years."""
    flat = training.fields.copy()
    flat[:, 1] -= (season(training.dates)[:, None, None] - 5) * GRID.mask
    steady = States(flat, training.dates, NAMES, GRID)
    damping = DampedPersistence.fit(steady, (1, 5), window=182).damping
    for lead in (1, 5):
        assert damping[lead].shape == (len(SEASONS), len(NAMES))
        assert np.allclose(damping[lead][:, 1], 0.9**lead, atol=0.02)


def test_a_damped_forecast_goes_towards_climatology(damped: DampedPersistence) -> None:
    date, later = np.datetime64("1991-07-01"), np.datetime64("1991-07-06")
    first, last = damped.climatology[np.array([date, later])]
    start = first.copy()
    start[1] += 1.0 * GRID.mask
    anomaly = (damped.forecast(start, date, later, 5) - last)[1][GRID.mask]
    summer = list(SEASONS).index("JJA")
    assert np.allclose(anomaly, damped.damping[5][summer, 1], atol=1e-4)
    assert 0.55 < anomaly.mean() < 0.75


def test_a_damped_forecast_beats_both_of_its_parts(damped: DampedPersistence) -> None:
    truth = autoregressive(1991, 0.9, 1991)
    errors = np.zeros(3)
    for start in range(0, 350, 50):
        date, later = truth.dates[start], truth.dates[start + 5]
        forecasts = (
            damped.forecast(truth.fields[start], date, later, 5), truth.fields[start],
            damped.climatology[np.array([later])][0],
        )  # fmt: skip
        errors += [np.square((f - truth.fields[start + 5])[1]).mean() for f in forecasts]
    assert errors.argmin() == 0


def test_forecasts_are_within_bounds(damped: DampedPersistence) -> None:
    date, later = np.datetime64("1991-07-01"), np.datetime64("1991-07-02")
    start = np.full((len(NAMES), *GRID.shape), -50.0)
    forecast = damped.forecast(start, date, later, 1)
    assert forecast[:3].min() == 0.0
    assert forecast[0].max() <= 1.0


def test_members_of_climatology_are_the_calendar_day_of_each_year(training: States) -> None:
    members = climatological_members(training, np.datetime64("1991-03-05"))
    same = [
        training.fields[training.dates == np.datetime64(f"{year}-03-05")][0]
        for year in (1985, 1986, 1987, 1989, 1990)
    ]
    assert np.array_equal(members, np.stack(same))


def test_what_training_years_lack_is_named(training: States) -> None:
    few = training.subset(np.arange(40))
    with pytest.raises(FieldError, match="1991-07-01"):
        climatological_members(few, np.datetime64("1991-07-01"))
    with pytest.raises(FieldError, match="within 10 days of the calendar day of 1991-07-01"):
        Climatology.of(few)[np.array(["1991-07-01"], "M8[D]")]
    with pytest.raises(FieldError, match="no two days that are 60 days apart"):
        DampedPersistence.fit(few, (60,))
