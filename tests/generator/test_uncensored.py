"""Fields go to their uncensored form and back; any values at all come back within the bounds."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from esm_coupler.errors import FieldError
from esm_coupler.generator.generator import joint_state
from esm_coupler.generator.projection import project
from esm_coupler.generator.uncensored import FALL, MIN_THICKNESS, OPEN_WATER, censored, uncensored
from esm_coupler.testing import tiny_grid
from esm_coupler.training.data import read_days
from training.test_training import SAMPLE

NAMES = ("sic", "sit", "snt", "siu", "siv")


@pytest.fixture(scope="module")
def days():
    return read_days(SAMPLE, [1991])


def test_days_of_a_simulation_come_back(days):
    star = uncensored(days.fields, days.names, days.grid.mask)
    back = censored(torch.from_numpy(star).double(), days.names).numpy() * days.grid.mask
    assert back[:, 0] == pytest.approx(days.fields[:, 0], abs=1e-6)
    # where the simulation has more snow than floats, or thinner ice than MIN_THICKNESS, it moves
    assert np.abs(back[:, 1:3] - days.fields[:, 1:3]).max() < 5e-3
    drift = joint_state(back[5], days.names, days.grid)[0].values[3:]
    assert np.abs(drift - days.fields[5, 3:]).mean() < 1e-3


def test_concentration_goes_on_beyond_its_bounds_with_the_distance(days):
    star = uncensored(days.fields[:1], days.names, days.grid.mask)[0, 0]
    sic = days.fields[0, 0]
    assert star[days.grid.mask & (sic == 0)].max() <= -FALL
    assert star[sic == 1].min() > 1
    partial = (sic > 0) & (sic < 1)
    assert 0 < star[partial].min() and star[partial].max() < 1
    assert np.array_equal(np.argsort(star[partial]), np.argsort(sic[partial]))


def test_years_of_little_and_of_much_ice_lie_evenly_about_their_mean():
    """Four with 3 % and two with 80 %: the mean of the uncensored form is still no ice edge."""
    mask = tiny_grid().mask
    fields = np.zeros((6, 1, *mask.shape), "f4")
    fields[:4], fields[4:] = 0.03 * mask, 0.8 * mask
    star = uncensored(fields, ("sic",), mask).mean(axis=0, keepdims=True)
    sic = censored(torch.from_numpy(star).double(), ("sic",)).numpy()[0, 0, mask]
    assert sic.max() < 0.15 < fields[:, 0, mask].mean()


def test_the_uncensored_form_is_smoother_than_the_field(days):
    """Ice edges and coasts are no steps in what is diffused."""

    def steps(x):
        return np.abs(np.diff(x, axis=-1)).max(axis=(-2, -1)).mean()

    star = uncensored(days.fields, days.names, days.grid.mask)
    assert steps(star[:, 3]) < 0.9 * steps(days.fields[:, 3])


def test_an_ocean_without_ice_and_one_without_water_have_a_form_too():
    mask = tiny_grid().mask
    for cover in (0.0, 1.0):
        fields = np.zeros((1, 2, *mask.shape), "f4")
        fields[:, 0], fields[:, 1] = cover * mask, cover * mask
        star = uncensored(fields, ("sic", "sit"), mask)
        back = censored(torch.from_numpy(star).double(), ("sic", "sit")).numpy() * mask
        assert back == pytest.approx(fields, abs=1e-6)


def test_states_without_concentration_are_refused():
    with pytest.raises(FieldError, match="have no 'sic'"):
        uncensored(np.zeros((1, 1, 16, 32), "f4"), ("sit",), tiny_grid().mask)


values = arrays(np.float64, (5, 16, 32), elements=st.floats(-30, 30, allow_nan=False))


@settings(max_examples=25, deadline=None)
@given(values)
def test_whatever_is_diffused_projection_has_nothing_to_do(star):
    """Area with volume, floating snow, bounds: by construction, in real32 too."""
    grid = tiny_grid()
    star[3:] = star[3:].clip(-1.4, 1.4)  # speed is no bound of the censoring
    fields = censored(torch.from_numpy(star)[None], NAMES)[0].numpy() * grid.mask
    for kind in (np.float64, np.float32):
        state, completed = joint_state(fields.astype(kind), NAMES, grid)
        assert completed == 0
        assert project(state)[1].cells_out_of_bounds == 0
    ice = fields[0] > 0
    assert (fields[0][ice] >= OPEN_WATER / 2).all()
    assert (fields[1][ice] >= MIN_THICKNESS * fields[0][ice] * (1 - 1e-12)).all()
