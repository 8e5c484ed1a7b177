"""The pyramid loses nothing, and its levels hold the scales that they are for."""

import numpy as np
import pytest
import torch

from esm_coupler.errors import DomainError
from esm_coupler.generator.pyramid import LEVELS, Pyramid, spline_matrix
from esm_coupler.testing import tiny_grid
from esm_coupler.training.data import read_days
from training.test_training import SAMPLE


@pytest.fixture(scope="module")
def days():
    return read_days(SAMPLE, [1991])


@pytest.fixture(scope="module")
def pyramid(days):
    return Pyramid(days.names, torch.from_numpy(days.grid.mask))


@pytest.fixture(scope="module")
def latents(pyramid, days):
    return pyramid.latents(torch.from_numpy(days.fields))


def test_days_of_a_simulation_come_back(pyramid, days, latents):
    back = pyramid.fields(latents).numpy()
    assert back[:, 0] == pytest.approx(days.fields[:, 0], abs=1e-5)
    assert back[:, 1] == pytest.approx(days.fields[:, 1], abs=5e-3)
    assert not back[:, :, ~days.grid.mask].any()


def test_latents_have_the_shapes_that_they_are_said_to_have(pyramid, days, latents):
    assert [tuple(latent.shape) for latent in latents] == [
        (len(days.fields), *shape) for shape in pyramid.shapes
    ]
    context = pyramid.context(latents[:1])
    assert context.shape[1:] == (pyramid.context_channels[1], 48, 48)
    assert pyramid.context(()) is None


@pytest.mark.parametrize("level", LEVELS)
def test_splines_reproduce_a_constant_and_a_slope(level):
    matrix = spline_matrix(48, level)
    assert matrix.sum(axis=1) == pytest.approx(np.ones(48))
    knots = (np.arange(48 // level) + 0.5) * level
    inner = slice(2 * level, -2 * level)
    assert (matrix @ knots)[inner] == pytest.approx((np.arange(48) + 0.5)[inner])


def test_a_smooth_field_needs_no_detail(pyramid, days):
    """Wave lengths of 48 cells lie in the coarse latent."""
    y, x = np.meshgrid(*(np.cos(2 * np.pi * np.arange(96) / 48),) * 2, indexing="ij")
    star = torch.from_numpy(0.5 + 0.2 * x * y)[None, None].expand(1, 5, -1, -1)
    coarse = pyramid._along("to", 8, star)
    rest = star - pyramid._along("from", 8, coarse)
    assert rest.std() < 0.01 * star.std()


def test_noise_in_a_level_makes_a_spectrum_that_falls(pyramid):
    noise = torch.from_numpy(np.random.default_rng(0).standard_normal((20, 5, 48, 48)))
    field = pyramid._along("from", 2, noise)[..., 16:80, 16:80].numpy()
    power = (np.abs(np.fft.fft2(field)) ** 2).mean(axis=(0, 1))[0]
    assert power[32] < 1e-2 * power[1:8].mean()  # 2 cells against 8 to 64 cells


def test_a_grid_that_does_not_divide_is_refused():
    with pytest.raises(DomainError, match=r"12 x 20 cells: space = 'pyramid' needs"):
        Pyramid(("sic",), torch.from_numpy(tiny_grid((12, 20)).mask))
