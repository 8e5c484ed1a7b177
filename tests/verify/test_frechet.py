"""Fréchet distance of samples whose distance is known."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.verify.frechet import frechet_distance, seasonal_faed

from .made_up import days


def with_moments(mean: np.ndarray, std: np.ndarray, n: int = 60) -> np.ndarray:
    """(n, d) sample with exactly this mean and these standard deviations, uncorrelated."""
    x = np.random.default_rng(0).normal(size=(n, len(mean)))
    x -= x.mean(axis=0)
    x = np.linalg.qr(x)[0] * np.sqrt(n - 1)
    return mean + x * std


def test_two_gaussians() -> None:
    one = with_moments(np.array([0.0, 0.0, 1.0]), np.array([1.0, 2.0, 1.0]))
    other = with_moments(np.array([3.0, 0.0, 1.0]), np.array([1.0, 5.0, 0.5]), n=90)
    # uncorrelated: the sum of squared differences of means and of standard deviations
    assert frechet_distance(one, other) == pytest.approx(9 + 9 + 0.25)
    assert frechet_distance(other, one) == pytest.approx(9 + 9 + 0.25)


def test_correlated_gaussians_as_the_matrix_root_has_it() -> None:
    from scipy.linalg import sqrtm

    draw = np.random.default_rng(3)
    one, other = (draw.normal(size=(n, 4)) @ draw.normal(size=(4, 4)) for n in (50, 30))
    c1, c2 = np.cov(one.T), np.cov(other.T)
    root = np.trace(sqrtm(c1 @ c2)).real
    known = ((one.mean(0) - other.mean(0)) ** 2).sum() + np.trace(c1 + c2) - 2 * root
    assert frechet_distance(one, other) == pytest.approx(known)


def test_the_same_sample_and_fewer_samples_than_dimensions() -> None:
    x = np.random.default_rng(0).normal(size=(5, 30))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-10)
    assert frechet_distance(x, x + 2) == pytest.approx(30 * 4)


def test_weights_are_as_good_as_copies() -> None:
    draw = np.random.default_rng(1)
    one, other = draw.normal(size=(20, 3)), draw.normal(size=(10, 3))
    left_out = np.array([0.125] * 8 + [0.0] * 2)
    assert frechet_distance(one, other, left_out) == pytest.approx(frechet_distance(one, other[:8]))


def test_seasons_are_scored_for_themselves() -> None:
    reference_dates = days("1991-01-01", 365)
    reference = np.random.default_rng(2).normal(size=(365, 2))
    summer = (reference_dates >= np.datetime64("1991-06-01")) & (
        reference_dates < np.datetime64("1991-09-01")
    )
    moved = reference + 3.0 * summer[:, None]
    scores = seasonal_faed(moved, reference_dates, reference, reference_dates)
    assert scores["JJA"] == pytest.approx(18)
    assert [scores[s] for s in ("DJF", "MAM", "SON")] == pytest.approx([0, 0, 0], abs=1e-9)
    assert scores["mean"] == pytest.approx(4.5)


def test_a_season_with_one_state_has_no_score() -> None:
    latents, dates = np.ones((3, 2)), days("1990-02-27", 3)
    assert "MAM" not in seasonal_faed(latents, dates, latents, dates)
    assert "DJF" in seasonal_faed(latents, dates, latents, dates)
