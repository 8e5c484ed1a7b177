"""Noise is a function of (seed, member, date, draw, channel, cell) and of nothing else."""

import datetime

import numpy as np
import pytest
from scipy import stats

from esm_coupler.generator.noise import gaussian

DAY = datetime.date(1990, 3, 1)


def draw(shape=(8, 24, 24), seed=1, member=1, date=DAY, **draw):
    return gaussian(shape, seed=seed, member=member, date=date, **draw)


def test_the_same_request_gives_the_same_bits():
    assert np.array_equal(draw(), draw())


@pytest.mark.parametrize(
    "other",
    [{"seed": 2}, {"member": 2}, {"date": datetime.date(1990, 3, 2)}, {"draw": 1}],
    ids=str,
)
def test_another_seed_member_date_or_draw_gives_unrelated_noise(other):
    correlation = np.corrcoef(draw().ravel(), draw(**other).ravel())[0, 1]
    assert abs(correlation) < 4 / np.sqrt(8 * 24 * 24)


def test_seed_and_member_are_not_interchangeable():
    assert not np.array_equal(draw(seed=1, member=2), draw(seed=2, member=1))


def test_channels_and_cells_keep_their_noise_when_more_are_drawn():
    assert np.array_equal(draw((2, 24, 24)), draw((8, 24, 24))[:2])
    assert np.array_equal(draw((1, 12, 24)), draw((1, 24, 24))[:, :12])


def test_it_is_standard_normal_and_white():
    noise = draw((64, 48, 48)).ravel()
    assert stats.kstest(noise, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(noise[:-1], noise[1:])[0, 1]) < 4 / np.sqrt(noise.size)


def test_draws_do_not_repeat_the_noise_of_other_cells_or_channels():
    numbers = np.concatenate([draw((4, 24, 24), draw=k).ravel() for k in range(4)])
    assert len(np.unique(numbers)) == numbers.size


def test_the_noise_of_a_start_is_what_it_was_in_the_first_version():
    first = [-0.5211965773459662, 0.6374328245600038, -0.46047379388286735]
    assert draw((1, 1, 3)).ravel().tolist() == pytest.approx(first, rel=1e-14)
