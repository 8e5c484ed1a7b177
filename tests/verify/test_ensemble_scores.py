"""Scores of ensembles whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.errors import FieldError
from esm_coupler.pairs import pair_variance, variance_of_mean
from esm_coupler.testing import tiny_grid
from esm_coupler.verify.ensemble_scores import (
    chi_square,
    coverage,
    fair_crps,
    integrated_ice_edge_error,
    rank_histogram,
    spatial_probability_score,
    spread_over_rmse,
)
from esm_coupler.verify.states import States
from esm_coupler.verify.tables import tables
from esm_coupler.verify.scorecard import evaluate
from esm_coupler.verify.truth import score_ensemble

CELLS = 40_000


def drawn(members: int, wide: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Members and a truth from one normal distribution, the members `wide` times as wide."""
    rng = np.random.default_rng(1)
    return wide * rng.standard_normal((members, CELLS)), rng.standard_normal(CELLS)


def drawn_in_pairs(members: int, bent: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Members z + d, z - d and a truth z + e of one distribution, which is skewed if `bent`."""
    rng = np.random.default_rng(1)
    half = rng.standard_normal((members // 2, CELLS))
    both = np.stack([half, -half], axis=1).reshape(members, CELLS), rng.standard_normal(CELLS)
    return tuple(values + bent * values**2 for values in both)


@pytest.mark.parametrize("bent", [0.0, 0.3])
@pytest.mark.parametrize("members", [4, 20])
def test_draws_of_one_distribution_in_pairs_are_reliable_too(members, bent):
    both = drawn_in_pairs(members, bent)
    assert spread_over_rmse(*both, pairs=True) == pytest.approx(1, abs=0.02)
    if not bent:  # as of independent members: with (M + 1) / (M - 1) of the variance
        exact = np.sqrt((members + 1) / (members - 1))
        assert spread_over_rmse(*both) == pytest.approx(exact, abs=0.02)


@pytest.mark.parametrize("bent", [0.0, 0.3])
def test_the_variance_of_pairs(bent):
    members, _ = drawn_in_pairs(8, bent)
    exact = 1 + 2 * bent**2  # of d + bent d^2
    assert pair_variance(members).mean() == pytest.approx(exact, rel=0.02)
    assert variance_of_mean(members).mean() == pytest.approx(2 * bent**2 / 4, abs=0.005)
    assert pair_variance(members[:2]).shape == (CELLS,)


@pytest.mark.parametrize(("level", "members", "exact"), [
    (0.5, 20, 0.5), (0.9, 20, 0.9), (0.5, 6, 0.5), (0.9, 4, 2 / 3),
])  # fmt: skip
def test_intervals_of_pairs_cover_what_they_say(level, members, exact):
    assert coverage(*drawn_in_pairs(members), level, pairs=True) == pytest.approx(exact, abs=0.01)


@pytest.mark.parametrize("members", [2, 20])
def test_draws_of_one_distribution_are_reliable_at_any_size(members):
    assert spread_over_rmse(*drawn(members)) == pytest.approx(1, abs=0.02)


def test_too_narrow_and_too_wide_show():
    # variance w^2 (M + 1) / M over 1 + w^2 / M
    for wide in (0.5, 2.0):
        exact = wide * np.sqrt(21 / 20 / (1 + wide**2 / 20))
        assert spread_over_rmse(*drawn(20, wide)) == pytest.approx(exact, abs=0.02)


def test_the_spread_of_two_members_by_hand():
    members, truth = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([0.0, 1.0])
    # variances 2 and 0, their mean times 3 / 2; squared errors 1 and 0
    assert spread_over_rmse(members, truth) == pytest.approx(np.sqrt(1.5 / 0.5))
    assert spread_over_rmse(members, truth, np.array([1.0, 0.0])) == pytest.approx(np.sqrt(3.0))


def test_the_fair_crps_by_hand_and_of_a_normal_distribution():
    members, truth = np.array([[0.0], [2.0]]), np.array([1.0])
    # mean distance to the truth 1; half the mean distance between two different members 1
    assert fair_crps(members, truth) == pytest.approx(0.0)
    # of N(0, 1) against its own draws: 1 / sqrt(pi)
    for members in (2, 20):
        assert fair_crps(*drawn(members)) == pytest.approx(1 / np.sqrt(np.pi), abs=0.015)


@pytest.mark.parametrize(("level", "members", "exact"), [
    (0.5, 20, 0.5), (0.9, 20, 0.9), (0.5, 7, 0.5), (0.9, 4, 3 / 5),
])  # fmt: skip
def test_intervals_cover_what_they_say(level, members, exact):
    assert coverage(*drawn(members), level) == pytest.approx(exact, abs=0.01)


def test_cells_where_all_agree_do_not_count():
    members, truth = drawn(20, 0.3)
    nothing = np.zeros((20, CELLS))
    both = np.concatenate([members, nothing], axis=1), np.concatenate([truth, np.zeros(CELLS)])
    assert coverage(*both, 0.9) == coverage(members, truth, 0.9) < 0.5
    assert np.array_equal(rank_histogram(*both), rank_histogram(members, truth))
    assert np.isnan(coverage(nothing, np.zeros(CELLS), 0.9))


def test_rank_histograms_are_flat_or_u_shaped():
    flat = rank_histogram(*drawn(4))
    np.testing.assert_allclose(flat, 0.2, atol=0.01)
    assert chi_square(flat, CELLS) < 20  # expectation 4
    narrow = rank_histogram(*drawn(4, 0.3))
    assert narrow[0] > 0.3 and narrow[-1] > 0.3 and narrow.sum() == pytest.approx(1)
    assert chi_square(narrow, CELLS) > 1000 * chi_square(flat, CELLS) / 20


def test_the_chi_square_by_hand():
    exact = (25 / 9 + 1 / 9 + 16 / 9) / (10 / 3)  # 5, 3 and 2 where 10 / 3 are expected
    assert chi_square(np.array([0.5, 0.3, 0.2]), 10) == pytest.approx(exact)


def test_the_ice_edge_by_hand():
    area = np.array([1.0, 2.0, 4.0]) * 1e12
    truth = np.array([1.0, 0.0, 0.0])
    sic = np.array([[0.0, 1.0, 0.0], [0.0, 1.0, 0.2], [0.0, 0.1, 0.0], [1.0, 1.0, 0.0]])
    # shares with ice: 1/4, 3/4, 1/4
    assert integrated_ice_edge_error(sic, truth, area) == pytest.approx(1 + 2)
    exact = 1 * 9 / 16 + 2 * 9 / 16 + 4 / 16
    assert spatial_probability_score(sic, truth, area) == pytest.approx(exact)
    one = sic[:1], truth, area
    assert spatial_probability_score(*one) == integrated_ice_edge_error(*one)


def states(dates: list[str], seed: int, centre: np.ndarray | float = 0.5) -> States:
    grid = tiny_grid((16, 32))
    rng = np.random.default_rng(seed)
    noise = 0.1 * rng.standard_normal((len(dates), 16, 32))
    sic = np.clip(centre + noise, 0, 1) * grid.mask
    drift = rng.standard_normal((len(dates), 16, 32)) * grid.drift_mask * 0.1
    fields = np.stack([sic, 2 * sic, 0.2 * sic, drift, drift], axis=1)
    names = ("sic", "sit", "snt", "siu", "siv")
    return States(fields, np.array(dates, "datetime64[D]"), names, grid)


def test_an_ensemble_is_scored_beside_persistence_and_climatology():
    rng = np.random.default_rng(5)
    truth = states([f"1991-02-{d:02d}" for d in range(1, 11)], 1, rng.uniform(0.2, 0.8, (16, 32)))
    day = truth.subset(np.array([9]))
    members = states(["1991-02-10"] * 6, 2, day["sic"][0])
    training = states([f"1990-02-{d:02d}" for d in range(1, 11)], 3, 0.1)
    scores = score_ensemble(members, truth, training)
    assert list(scores) == ["ensemble", "persistence", "climatology"]
    crps = {name: found["fields"]["sic"]["crps"] for name, found in scores.items()}
    assert crps["ensemble"] < crps["persistence"] < crps["climatology"]
    edge = {name: found["spatial_probability_score"] for name, found in scores.items()}
    assert edge["climatology"] > edge["ensemble"]
    assert {found["members"] for found in scores.values()} == {6}


def test_the_tables_and_scores_of_an_evaluation_have_them():
    truth = states([f"1991-02-{d:02d}" for d in range(1, 11)], 1)
    members = states(["1991-02-10"] * 3, 2)
    scores = evaluate(members, truth, truth=truth)
    titles = [table.title for table in tables(scores)]
    assert "Ensemble against the truth" in titles and "Ice edge" in titles
    assert scores["ensemble"]["ensemble"]["fields"]["sit"]["coverage"]["0.9"] is not None


@pytest.mark.parametrize(("dates", "words"), [
    (["1991-02-10"], "1 states of 1 dates are no ensemble"),
    (["1991-02-10", "1991-02-11"], "2 states of 2 dates are no ensemble"),
    (["1992-02-10", "1992-02-10"], "the truth has 0 states of 1992-02-10"),
])  # fmt: skip
def test_what_is_no_ensemble_with_a_truth_is_refused(dates, words):
    with pytest.raises(FieldError, match=words):
        score_ensemble(states(dates, 1), states(["1991-02-09", "1991-02-10"], 2))
