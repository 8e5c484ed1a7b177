"""Noise of an emulator's step: half of it new, half lasting, from (seed, member, date) alone."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import torch

from esm_coupler.generator import step_noise as module
from esm_coupler.generator.noise import gaussian
from esm_coupler.generator.step_noise import step_noise, training_noise

SHAPES = ((4, 24, 24), (4, 12, 12))
MEMORY = 8
DAY = datetime.date(1990, 3, 1)


def draw(date: datetime.date = DAY, memory: int = MEMORY, **key: int) -> list[np.ndarray]:
    """Each level without its first dimension, of length 1."""
    noise = step_noise(SHAPES, memory, **{"seed": 1, "member": 1, **key}, date=date)
    return [level[0].numpy() for level in noise]


def later(days: int) -> datetime.date:
    return DAY + datetime.timedelta(days=days)


def test_it_has_the_shapes_that_are_asked_for_in_single_precision() -> None:
    noise = step_noise(SHAPES, MEMORY, seed=1, member=1, date=DAY)
    assert [tuple(level.shape) for level in noise] == [(1, *shape) for shape in SHAPES]
    assert all(level.dtype == torch.float32 for level in noise)
    assert step_noise((), MEMORY, seed=1, member=1, date=DAY) == ()


def test_both_halves_have_unit_variance() -> None:
    for half in (slice(0, 2), slice(2, 4)):
        values = np.concatenate([draw(member=k)[0][half].ravel() for k in range(1, 21)])
        assert values.std() == pytest.approx(1, abs=4 / np.sqrt(2 * values.size))
        assert values.mean() == pytest.approx(0, abs=4 / np.sqrt(values.size))



@pytest.mark.parametrize("lag", [1, 4, 7, 8, 11])
def test_the_lasting_half_has_the_correlation_of_a_moving_mean(lag: int) -> None:
    members = range(1, 21)
    first, second = (
        np.concatenate([draw(day, member=k)[0].reshape(2, -1) for k in members], axis=1)
        for day in (DAY, later(lag))
    )
    error, expected = 4 / np.sqrt(first.shape[1]), max(0, 1 - lag / MEMORY)
    assert np.corrcoef(first[1], second[1])[0, 1] == pytest.approx(expected, abs=error)
    assert np.corrcoef(first[0], second[0])[0, 1] == pytest.approx(0, abs=error)
    assert np.corrcoef(first[0], first[1])[0, 1] == pytest.approx(0, abs=error)


def test_it_is_a_function_of_seed_member_and_date_and_not_of_calls_before() -> None:
    first = draw(later(3))
    module._part.cache_clear()
    for days in (5, 0, 3):
        again = draw(later(days))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


@pytest.mark.parametrize("other", [{"seed": 2}, {"member": 2}, {"seed": 7, "member": 3}], ids=str)
def test_another_seed_or_member_has_unrelated_noise(other: dict[str, int]) -> None:
    for mine, theirs in zip(draw(), draw(**other), strict=True):
        for half in (slice(0, 2), slice(2, 4)):
            size = mine[half].size
            correlation = np.corrcoef(mine[half].ravel(), theirs[half].ravel())[0, 1]
            assert abs(correlation) < 4 / np.sqrt(size)


def test_levels_have_unrelated_noise() -> None:
    fine, coarse = draw()
    assert not np.isin(coarse, fine).any()


def test_it_is_none_of_a_generators_noise() -> None:
    mine = draw(memory=1)[0]
    for number in range(5):
        theirs = gaussian((4, 24, 24), seed=1, member=1, date=DAY, draw=number).astype("f4")
        assert not np.isin(mine, theirs).any()


def test_a_model_may_start_in_year_one() -> None:
    first = draw(datetime.date.min)[0]
    assert first[2:].std() == pytest.approx(1, abs=0.15)
    next_day = draw(datetime.date(1, 1, 2))[0]
    correlation = np.corrcoef(first[2:].ravel(), next_day[2:].ravel())[0, 1]
    assert correlation == pytest.approx(1 - 1 / MEMORY, abs=0.1)


def test_training_noise_has_the_same_covariance() -> None:
    torch.manual_seed(0)
    days, samples = MEMORY + 3, 6
    noise = training_noise(SHAPES, MEMORY, samples, days)
    assert len(noise) == days
    assert [tuple(level.shape) for level in noise[0]] == [(samples, *shape) for shape in SHAPES]
    fine = torch.stack([day[0] for day in noise]).numpy()
    lasting = fine[:, :, 2:].reshape(days, -1).astype("f8")
    new = fine[:, :, :2].reshape(days, -1).astype("f8")
    error = 5 / np.sqrt(lasting.shape[1])
    for lag in range(days):
        expected = max(0.0, 1 - lag / MEMORY)
        assert (lasting[0] * lasting[lag]).mean() == pytest.approx(expected, abs=error)
        assert (new[0] * new[lag]).mean() == pytest.approx(float(lag == 0), abs=error)
        assert (new[0] * lasting[lag]).mean() == pytest.approx(0, abs=error)
    assert training_noise((), MEMORY, samples, 2) == [(), ()]
