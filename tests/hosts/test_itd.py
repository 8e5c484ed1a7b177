"""Thickness categories conserve what they are made of and are what a model accepts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esm_coupler.errors import InvalidValueError
from esm_coupler.hosts.category_bounds import category_bounds
from esm_coupler.hosts.itd import Categories, rescale, split

CHOICES = [(5, 0), (5, 2), (7, 2), (10, 1), (3, 3), (12, 3), (1, -1), (1, 0), (16, 0)]
CELLS = 100


def totals(rng: np.random.Generator, bounds: np.ndarray) -> tuple[np.ndarray, ...]:
    """Acceptable cells; thickness often on a bound or one ulp beside it, area often on a limit."""
    sic = rng.choice([1e-6, 2e-6, 1e-3, 0.5, 1.0, 1 - 1e-16], CELLS)
    some = rng.random(CELLS) < 0.5
    sic[some] = np.maximum(rng.random(some.sum()), 1e-6)
    edges = bounds[(bounds > 0) & (bounds < 20)]
    pool = np.concatenate([edges, np.nextafter(edges, 99), np.nextafter(edges, 0), [20.0, 0.01]])
    mean = rng.choice(pool, CELLS)
    random = rng.random(CELLS) < 0.5
    mean[random] = 10 ** rng.uniform(-3, 1.3, random.sum())
    sit = np.maximum(sic * mean, 1e-5)
    sic = np.maximum(sic, sit / 20)
    snt = 0.329 * sit * rng.choice([0.0, 0.5, 1.0], CELLS)
    return sic, sit, snt


def background(rng: np.random.Generator, bounds: np.ndarray) -> Categories:
    """Any state of a model: some categories empty, some cells empty, snow here and there."""
    shape = (len(bounds) - 1, CELLS)
    there = (rng.random(shape) < 0.6) & (rng.random(CELLS) < 0.8)
    area = np.where(there, rng.random(shape) + 1e-6, 0.0)
    area *= rng.random(CELLS) / np.maximum(area.sum(axis=0), 1e-30)
    low, high = bounds[:-1, None], np.minimum(bounds[1:, None], 20 + bounds[-2])
    volume = area * (low + (high - low) * rng.uniform(0.001, 0.999, shape))
    return Categories(area, volume, 0.3 * volume * rng.random(shape) * (rng.random(CELLS) < 0.7))


def assert_accepted(made: Categories, bounds: np.ndarray) -> None:
    """What Icepack accepts, written apart from the code under test."""
    area, volume, snow = made.area, made.volume, made.snow
    assert all(np.isfinite(values).all() for values in (area, volume, snow))
    assert (area >= 0).all() and (volume >= 0).all() and (snow >= 0).all()
    assert (sum(area) <= 1).all()
    assert (sum(area[::-1]) <= 1).all()
    ice = area > 0
    assert ((volume > 0) == ice).all()
    assert (area[ice] >= 1e-6 * (1 - 1e-8)).all()
    assert (volume[ice] >= 1e-5 * (1 - 1e-8)).all()
    assert (snow[~ice] == 0).all()
    thickness = np.where(ice, volume / np.where(ice, area, 1.0), np.nan)
    lower = np.broadcast_to(bounds[:-1, None], area.shape)[ice]
    upper = np.broadcast_to(bounds[1:, None], area.shape)[ice]
    assert (thickness[ice] > lower * (1 + 0.9e-9)).all()
    assert (thickness[ice] < upper * (1 - 0.9e-9)).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(CHOICES), st.booleans())
def test_any_state_is_split_into_what_a_model_accepts(
    seed: int, choice: tuple[int, int], with_background: bool
) -> None:
    rng, bounds = np.random.default_rng(seed), category_bounds(*choice)
    sic, sit, snt = totals(rng, bounds)
    if with_background:
        made = rescale(sic, sit, snt, background(rng, bounds), bounds)
    else:
        made = split(sic, sit, snt, bounds)
    assert_accepted(made, bounds)
    for total, wanted in zip(made.total(), (sic, sit, snt), strict=True):
        np.testing.assert_allclose(total, wanted, rtol=0, atol=1e-12)
    again = rescale(*made.total(), made, bounds)
    for name in ("area", "volume", "snow"):
        assert getattr(again, name).tobytes() == getattr(made, name).tobytes()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(CHOICES))
def test_a_model_s_own_state_comes_back_to_the_bit(seed: int, choice: tuple[int, int]) -> None:
    rng, bounds = np.random.default_rng(seed), category_bounds(*choice)
    own = background(rng, bounds)
    own.area[:, :20] *= 1e-9  # remnants that a model has
    own.volume[:, :20] *= 1e-9
    own.snow[:, :20] = 0.0
    back = rescale(*own.total(), own, bounds)
    for name in ("area", "volume", "snow"):
        assert getattr(back, name).tobytes() == getattr(own, name).tobytes()


def test_the_thickness_of_a_background_is_kept_where_a_mixture_can() -> None:
    bounds = category_bounds(5)
    area = np.array([[0.2], [0.3], [0.2], [0.0], [0.1]])
    thickness = np.array([[0.3], [1.0], [2.0], [0.0], [6.0]])
    own = Categories(area, area * thickness, 0.05 * area)
    made = rescale(np.array([0.6]), np.array([0.9]), np.array([0.03]), own, bounds)
    np.testing.assert_allclose(made.thickness, thickness, rtol=1e-13)
    np.testing.assert_allclose(made.snow / np.maximum(made.area, 1e-30), 0.05 * (area > 0))


def test_area_alone_changes_all_categories_alike() -> None:
    bounds = category_bounds(5)
    area = np.array([[0.1], [0.2], [0.1], [0.05], [0.05]])
    own = Categories(area, area * [[0.3], [1.0], [2.0], [3.0], [6.0]], 0 * area)
    sic, sit, snt = own.total()
    made = rescale(1.5 * sic, 1.5 * sit, snt, own, bounds)
    np.testing.assert_allclose(made.area, 1.5 * area, rtol=1e-12)


def test_a_thin_remnant_is_merged() -> None:
    bounds = category_bounds(5)
    made = split(np.array([0.9]), np.array([0.15]), np.zeros(1), bounds)
    assert (made.area[:, 0] > 0).tolist() == [True, True, False, False, False]


def test_the_gamma_distribution_has_its_shape() -> None:
    """The share below the mean thickness H of 4/H^2 x exp(-2x/H) is 1 - 3 exp(-2)."""
    bounds = np.array([0.0, 1.0, 999.9])
    made = split(np.ones(1), np.ones(1), np.zeros(1), bounds)
    assert made.area[0, 0] == pytest.approx(1 - 3 * np.exp(-2), abs=1e-9)
    assert made.volume[0, 0] == pytest.approx(1 - 5 * np.exp(-2), abs=1e-9)


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("value", [np.nan, np.inf, -1e-300])
def test_what_is_no_ice_is_refused(place: int, value: float) -> None:
    cells = [np.full(3, 0.5), np.full(3, 0.7), np.full(3, 0.1)]
    cells[place][1] = value
    with pytest.raises(InvalidValueError, match="in cell 2"):
        split(*cells, category_bounds(5))


@pytest.mark.parametrize("sic, sit, snt", [(0.5, 0.0, 0.0), (0.0, 0.5, 0.0), (0.0, 0.0, 0.1)])
def test_phantom_ice_is_refused(sic: float, sit: float, snt: float) -> None:
    with pytest.raises(InvalidValueError, match="without"):
        split(np.array([sic]), np.array([sit]), np.array([snt]), category_bounds(5))


def test_the_bounds_are_those_of_icepack() -> None:
    """As Icepack prints them in its log for its default, round numbers and WMO."""
    lipscomb = [0, 0.6445, 1.3914, 2.4702, 4.5673, 999.9]
    np.testing.assert_allclose(category_bounds(5, 0), lipscomb, atol=5e-5)
    np.testing.assert_allclose(category_bounds(5, 1), [0, 0.6, 1.4, 2.4, 3.6, 999.9], atol=1e-12)
    np.testing.assert_allclose(category_bounds(5, 2), [0, 0.3, 0.7, 1.2, 2.0, 999.9])


@pytest.mark.parametrize("choice", [(5, 4), (4, 2), (1, 3), (2, -1), (0, 0)])
def test_bounds_that_icepack_lacks_are_refused(choice: tuple[int, int]) -> None:
    with pytest.raises(InvalidValueError, match="kcatbound"):
        category_bounds(*choice)


@pytest.mark.parametrize("n", [1, 2, 5, 10, 40])
@pytest.mark.parametrize("kcatbound", [0, 1, 3])
def test_bounds_increase(n: int, kcatbound: int) -> None:
    if kcatbound == 3 and n == 1:
        return
    assert (np.diff(category_bounds(n, kcatbound)) > 0).all()
