"""A forecast's clock: what goes on, what is refused, and what is interpolated between."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pytest

from esm_coupler.errors import FieldError, InvalidValueError
from esm_coupler.generator.emulator import StepRequest
from esm_coupler.modes.forecast import Clock, advance, forecast
from esm_coupler.testing import tiny_grid
from support.weather import weather

DAY = datetime.date(1990, 3, 1)
WEATHER = weather(tiny_grid(), 8)
BEGUN = Clock(2, DAY, WEATHER[0])


def after(n_days: int) -> datetime.date:
    return DAY + datetime.timedelta(days=n_days)


def go(emulator, state, clock=BEGUN, date=DAY, seconds=86400, forcing=WEATHER[1], **options):
    return advance(
        emulator, state, clock, date=date, seconds=seconds, forcing=forcing, **options
    )  # fmt: skip


def test_a_day_is_a_step_of_the_member_with_the_forcing_of_both_ends(emulator, analysis):
    (step,), clock = go(emulator, analysis, seed=4, conserve=True)
    request = StepRequest(2, DAY, seed=4, conserve=True)
    own = emulator.step(analysis, WEATHER[0], WEATHER[1], request)
    assert step.state.sha256 == own.state.sha256
    assert (clock.member, clock.date) == (2, after(1))
    assert np.array_equal(clock.forcing, WEATHER[1])


def test_the_clock_keeps_the_forcing_though_the_host_writes_over_it(emulator, analysis):
    bound = WEATHER[1].copy()
    _, clock = go(emulator, analysis, forcing=bound)
    bound[:] = 0.0
    assert np.array_equal(clock.forcing, WEATHER[1])


@pytest.mark.parametrize("cut", [1, 3])
def test_a_forecast_that_is_cut_in_two_has_the_same_bits(emulator, analysis, cut):
    def run(state, clock, days):
        for day in days:
            (step,), clock = go(emulator, state, clock, after(day), forcing=WEATHER[day + 1])
            state = step.state
        return state, clock

    straight, _ = run(analysis, BEGUN, range(5))
    half, clock = run(analysis, BEGUN, range(cut))
    rest, _ = run(half, Clock(clock.member, clock.date, clock.forcing.copy()), range(cut, 5))
    assert rest.sha256 == straight.sha256


def test_days_in_one_call_are_days_with_forcing_interpolated_between(emulator, analysis):
    steps, clock = go(emulator, analysis, seconds=3 * 86400, forcing=WEATHER[3])
    assert len(steps) == 3 and clock.date == after(3)
    state, first, last = analysis, WEATHER[0], WEATHER[3]
    for day in range(3):
        ends = ((1 - k / 3) * first + k / 3 * last for k in (day, day + 1))
        state = emulator.step(state, *ends, StepRequest(2, after(day))).state
        assert np.abs(steps[day].state.values - state.values).max() < 1e-6
    assert np.array_equal(clock.forcing, last)


def test_without_the_forcing_of_the_first_day_that_of_the_last_stands_for_it(emulator, analysis):
    (step,), clock = go(emulator, analysis, Clock(2))
    own = emulator.step(analysis, WEATHER[1], WEATHER[1], StepRequest(2, DAY))
    assert step.state.sha256 == own.state.sha256
    assert clock.date == after(1)


def test_each_evaluation_is_announced(emulator, analysis):
    told = []
    go(emulator, analysis, seconds=2 * 86400, before_evaluation=lambda: told.append(1))
    assert len(told) == 2


@pytest.mark.parametrize(
    "seconds", [0, -86400, 3600, 86399.9, 1.5 * 86400, float("nan"), float("inf"), -float("inf")]
)
def test_seconds_that_are_no_whole_days_are_refused(emulator, analysis, seconds):
    with pytest.raises(InvalidValueError, match=f"seconds is {seconds:.6g}: the emulator steps by"):
        go(emulator, analysis, seconds=seconds)


@pytest.mark.parametrize("date", [after(1), after(-1), datetime.date(1991, 3, 1)])
def test_a_gap_names_both_dates(emulator, analysis, date):
    words = f"step begins at {date:%Y%m%d}, but the state is of 19900301"
    with pytest.raises(InvalidValueError, match=words):
        go(emulator, analysis, date=date)


def test_nothing_is_stepped_beyond_the_last_date(emulator, analysis):
    last = datetime.date(9999, 12, 30)
    with pytest.raises(InvalidValueError, match="2 days after 9999-12-30 there is no date"):
        go(emulator, analysis, Clock(1), last, seconds=2 * 86400)
    assert go(emulator, analysis, Clock(1), last)[1].date == datetime.date.max


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda w: w[:2], FieldError, "forcing has shape"),
        (lambda w: np.where(np.arange(32) == 7, np.nan, w), InvalidValueError, "'tas' is nan K at"),
        (lambda w: w - 273.15, InvalidValueError, "forcing 'tas' is -"),
    ],
)
def test_after_a_refusal_state_and_clock_are_as_before(emulator, analysis, change, error, words):
    state, clock, before = analysis.values.copy(), replace(BEGUN), WEATHER[0].copy()
    with pytest.raises(error, match=words):
        go(emulator, analysis, clock, seconds=2 * 86400, forcing=change(WEATHER[1]))
    assert np.array_equal(analysis.values, state)
    assert (clock.date, clock.member) == (DAY, 2)
    assert np.array_equal(clock.forcing, before)
    go(emulator, analysis, clock)


def test_members_go_forward_each_as_if_alone(emulator, analysis):
    days = forecast(emulator, [analysis] * 3, WEATHER[:3], DAY, (4, 1, 2), seed=5)
    assert [len(day) for day in days] == [3, 3]
    state = analysis
    for number, day in enumerate(days):
        ends = WEATHER[number], WEATHER[number + 1]
        state = emulator.step(state, *ends, StepRequest(1, after(number), seed=5)).state
        assert day[1].state.sha256 == state.sha256
    assert len({step.state.sha256 for step in days[-1]}) == 3


@pytest.mark.parametrize("batch", [2, 3, 8])
def test_members_in_batches_are_the_same_but_for_round_off(emulator, analysis, batch):
    options = {"date": DAY, "members": (1, 2, 3), "conserve": True}
    (alone,) = forecast(emulator, [analysis] * 3, WEATHER[:2], **options)
    (several,) = forecast(emulator, [analysis] * 3, WEATHER[:2], **options, batch_members=batch)
    for one, other in zip(alone, several, strict=True):
        assert np.abs(one.state.values - other.state.values).max() < 1e-4
