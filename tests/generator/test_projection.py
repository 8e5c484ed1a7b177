"""What leaves the generator is what a sea-ice model accepts: always, once and for all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esm_coupler.errors import InvalidValueError
from esm_coupler.generator.projection import RULES, project
from esm_coupler.state import State
from esm_coupler.testing import tiny_grid
from support.acceptance import accepted

NAMES = ("sic", "sit", "snt", "siu", "siv", "sid")
GRID = tiny_grid((16, 16))
# Every limit, its neighbours one ulp away, and values within and beyond.
EDGES = {
    "sic": [0.0, 1e-6, 0.5, 1.0, 1.05, -0.05, 1e-9],
    "sit": [0.0, 1e-5, 10.0, 20.0, 95.0, -0.5, 1e-7, 0.5],
    "snt": [0.0, 0.165, 2.0, 4.0, 49.0, -0.1, 1e-12],
    "siu": [0.0, 2.0, -2.0, 5.0, 0.1],
    "siv": [0.0, 2.0, -9.0, 0.1],
    "sid": [0.0, 1.0, 1.05, -0.05, 0.5],
}


def state_of(values, names=NAMES):
    return State(np.ascontiguousarray(values, dtype=np.float64), names, GRID)


def random_state(seed):
    rng = np.random.default_rng(seed)
    values = np.empty((len(NAMES), *GRID.shape))
    for index, name in enumerate(NAMES):
        edges = np.array(EDGES[name])
        pool = np.concatenate([edges, np.nextafter(edges, 9), np.nextafter(edges, -9)])
        values[index] = rng.choice(pool, GRID.shape)
        smooth = rng.random(GRID.shape) < 0.3
        values[index][smooth] = rng.uniform(edges.min(), edges.max(), smooth.sum())
    values[[0, 1, 2, 5], 10:14, 3:7] = 0  # open water, in which something may still drift
    return state_of(values)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.sets(st.sampled_from(NAMES), min_size=1))
def test_any_plausible_state_becomes_acceptable_and_stays_as_it_is(seed, chosen):
    whole = random_state(seed)
    names = tuple(name for name in NAMES if name in chosen)
    once, report = project(state_of([whole[name] for name in names], names))
    twice, again = project(once)
    assert accepted(once)
    assert report.cells_changed > 0
    assert again.cells_changed == again.cells_out_of_bounds == 0
    assert np.array_equal(once.values.view("i8"), twice.values.view("i8"))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_what_was_mended_is_still_acceptable_in_real32(seed):
    single = random_state(seed).values.astype("f4").astype("f8")
    projected, _ = project(state_of(single))
    assert accepted(state_of(projected.values.astype("f4").astype("f8")))


@pytest.mark.parametrize("seed", range(5))
def test_a_state_on_every_limit_comes_back_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    values = np.zeros((6, *GRID.shape))
    sic = rng.choice([1e-6, 0.5, 1.0], GRID.shape)
    sit = np.minimum(np.maximum(sic * rng.choice([0.1, 1.0, 20.0], GRID.shape), 1e-5), 20 * sic)
    snt = np.minimum(4 * sic, 0.330 * sit) * rng.choice([0.0, 0.5, 1.0], GRID.shape)
    values[:3] = sic, sit, snt
    values[3] = rng.choice([0.0, 2.0, -2.0], GRID.shape)
    values[5] = rng.choice([0.0, 1.0], GRID.shape)
    values *= GRID.mask
    values[3] *= GRID.drift_mask
    before = state_of(values)
    assert accepted(before)
    after, report = project(before)
    assert report.cells_changed == 0
    assert np.array_equal(before.values.view("i8"), after.values.view("i8"))


def test_an_acceptable_state_comes_back_to_the_bit():
    values = np.zeros((6, *GRID.shape))
    values[:, 2:6, 2:6] = np.array([0.9, 1.5, 0.3, 0.2, -0.1, 0.4])[:, None, None]
    before = state_of(values)
    after, report = project(before)
    assert np.array_equal(before.values.view("i8"), after.values.view("i8"))
    assert report.cells_changed == 0


def test_flooding_turns_snow_to_ice_of_the_same_mass_up_to_the_freeboard():
    values = np.zeros((6, *GRID.shape))
    values[:3, 3, 3] = 1.0, 1.0, 0.6
    after, report = project(state_of(values))
    ice, snow = after["sit"][3, 3], after["snt"][3, 3]
    assert 917 * ice + 330 * snow == pytest.approx(917 * 1.0 + 330 * 0.6, rel=1e-14)
    assert snow == pytest.approx(0.330 * ice, rel=2e-6)
    assert report.violations["snow that floods the ice"] == 1


def test_ice_without_area_or_volume_goes_with_all_that_it_carries():
    values = np.zeros((6, *GRID.shape))
    values[:, 3, 3] = 0.5, 0.0, 0.1, 0.2, 0.2, 0.5
    values[:, 8, 8] = 0.0, 0.5, 0.1, 0.2, 0.2, 0.5
    after, _ = project(state_of(values))
    assert not after.values.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("name", NAMES)
def test_a_value_that_is_not_finite_or_absurd_is_refused_by_field_and_place(name, bad):
    values = np.zeros((6, *GRID.shape))
    values[NAMES.index(name), 4, 7] = bad
    with pytest.raises(InvalidValueError, match=rf"'{name}' is .*i=8, j=5"):
        project(state_of(values))


@pytest.mark.parametrize("name, shown", [("sic", "nan at i"), ("sit", "nan m at i")])
def test_a_refused_value_has_its_unit_unless_it_is_a_pure_number(name, shown):
    values = np.zeros((6, *GRID.shape))
    values[NAMES.index(name), 4, 7] = np.nan
    with pytest.raises(InvalidValueError, match=f"field '{name}' is {shown}"):
        project(state_of(values))


def test_fewer_fields_are_projected_by_the_rules_that_concern_them():
    values = np.full((1, *GRID.shape), 1.05)
    after, report = project(state_of(values, ("sic",)))
    assert (after["sic"] == GRID.mask).all()
    assert report.cells_changed == GRID.shape[0] * GRID.shape[1]


def test_every_rule_is_broken_by_some_random_state():
    broken = np.zeros(len(RULES), dtype=bool)
    for seed in range(20):
        broken |= [bool(rule.broken(random_state(seed)).any()) for rule in RULES]
    assert broken.all()
