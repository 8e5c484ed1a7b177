"""Ice cover, its distributions and joint histograms, of states that are counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.testing import tiny_grid
from esm_coupler.verify import cover
from esm_coupler.verify.distributions import crps, wasserstein
from esm_coupler.verify.joint import hellinger, joint_histogram
from esm_coupler.verify.states import States, joined

from .made_up import days

GRID = tiny_grid((16, 32))
CELL = 2.5e9 / 1e12  # its area [1e6 km2]


def with_cells(*sic: float, sit: float = 2.0) -> States:
    """One state: open water but for the first ocean cells, which have these concentrations."""
    fields = np.zeros((1, 2, *GRID.shape), dtype="f4")
    rows, columns = np.nonzero(GRID.mask)
    fields[0, 0, rows[: len(sic)], columns[: len(sic)]] = sic
    fields[0, 1, rows[: len(sic)], columns[: len(sic)]] = sit
    return States(fields, days("1990-03-01", 1), ("sic", "sit"), GRID)


def test_bounds_are_counted_over_ocean_cells() -> None:
    states = with_cells(1.0, 0.995, 0.9949, 1e-4)
    n_ocean = GRID.mask.sum()
    assert cover.full_frequency(states) == pytest.approx(2 / n_ocean)
    assert cover.zero_frequency(states) == pytest.approx(1 - 4 / n_ocean)


def test_areas_and_volume() -> None:
    states = with_cells(1.0, 0.81, 0.79, 0.5, 0.16, 0.14)
    assert cover.marginal_area(states) == pytest.approx(3 * CELL)
    assert cover.extent(states) == pytest.approx(5 * CELL)
    assert cover.volume(states) == pytest.approx(6 * CELL * 2.0)


def test_probability_of_ice_and_its_error() -> None:
    one, other = with_cells(1.0, 1.0), with_cells(1.0, 0.1)
    both = joined([one, other])
    probability = cover.ice_probability(both)
    assert sorted(probability[probability > 0]) == [0.5, 1.0]
    weighted = cover.ice_probability(both, np.array([0.0, 1.0]))
    assert weighted.sum() == 1.0
    error = cover.probability_rmse(probability, weighted, GRID.mask)
    assert error == pytest.approx(0.5 / np.sqrt(GRID.mask.sum()))


def test_wasserstein_of_shifted_samples_is_the_shift() -> None:
    values = np.array([1.0, 2.0, 5.0])
    assert wasserstein(values, values + 0.7) == pytest.approx(0.7)
    assert wasserstein(values, np.array([1.0, 9.0]), np.array([1.0, 0.0])) == pytest.approx(5 / 3)


def test_crps_of_members_by_hand() -> None:
    # mean |x - y| less half the fair mean difference: (1 + 3) / 2 - 2 / 2
    assert crps(np.array([1.0, 3.0]), np.array([0.0])) == pytest.approx(1.0)
    assert crps(np.array([2.0]), np.array([5.0])) == pytest.approx(3.0)
    weights = np.array([0.25, 0.75])
    assert crps(np.array([2.0]), np.array([5.0, 2.0]), weights) == pytest.approx(0.75)


def test_crps_is_least_for_the_right_distribution_and_half_its_mean_difference() -> None:
    draw = np.random.default_rng(0)
    truth, members = draw.normal(size=2000), draw.normal(size=2000)
    assert crps(members, truth) == pytest.approx(1 / np.sqrt(np.pi), rel=0.03)
    assert crps(members, truth) < min(crps(members + 0.3, truth), crps(members * 2, truth))


def test_hellinger_of_known_histograms() -> None:
    half, whole = np.array([0.5, 0.5]), np.array([1.0, 0.0])
    assert hellinger(half, half) == pytest.approx(0, abs=1e-7)
    assert hellinger(whole, whole[::-1]) == 1.0
    assert hellinger(half, whole) == pytest.approx(np.sqrt(1 - np.sqrt(0.5)))


def test_the_joint_histogram_sees_what_the_single_ones_do_not() -> None:
    thin_and_thick = with_cells(0.5, 0.9)
    thin_and_thick.fields[0, 1][thin_and_thick.fields[0, 0] == np.float32(0.5)] = 0.3
    swapped = with_cells(0.5, 0.9, sit=0.3)
    swapped.fields[0, 1][swapped.fields[0, 0] == np.float32(0.5)] = 2.0
    one, other = joint_histogram(thin_and_thick), joint_histogram(swapped)
    for axis in (0, 1):
        assert one.sum(axis=axis) == pytest.approx(other.sum(axis=axis))
    # two cells of the ocean lie in other bins
    assert hellinger(one, other) == pytest.approx(np.sqrt(2 / GRID.mask.sum()))


def test_open_water_and_full_cover_have_bins_of_their_own() -> None:
    histogram = joint_histogram(with_cells(1.0, 0.995, 0.99, 1e-6))
    n_ocean = GRID.mask.sum()
    assert histogram.sum() == pytest.approx(1)
    assert histogram[0, 0] == pytest.approx((n_ocean - 4) / n_ocean)
    assert histogram[-1].sum() == pytest.approx(2 / n_ocean)


def test_a_weight_of_zero_leaves_a_state_out_of_the_histogram() -> None:
    one, other = with_cells(1.0, 0.5), with_cells(0.3)
    both = joined([one, other])
    weighted = joint_histogram(both, np.array([1.0, 0.0]))
    assert weighted == pytest.approx(joint_histogram(one))
