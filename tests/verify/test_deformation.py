"""Deformation of drift fields whose derivatives are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from esm_coupler.grid import Grid
from esm_coupler.verify.deformation import (
    deformation_scaling,
    divergence_and_shear,
    gradient_points,
    velocity_gradients,
)
from esm_coupler.verify.states import States

from .made_up import days, open_grid

DAY = 86400.0
SPACING = 50e3


def drifting(siu: np.ndarray, siv: np.ndarray, grid: Grid, sic: float = 1.0) -> States:
    """(state, y, x) drifts on a grid full of ice."""
    ice = np.full_like(siu, sic)
    return States(np.stack([ice, siu, siv], axis=1), days("1990-01-01", len(siu)),
                  ("sic", "siu", "siv"), grid)  # fmt: skip


def linear(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    """u = 1e-6 x + 3e-6 y, v = -2e-6 x + 4e-6 y [m s-1 over m]."""
    y, x = np.mgrid[0 : grid.shape[0], 0 : grid.shape[1]] * SPACING
    return (1e-6 * x + 3e-6 * y)[None], (-2e-6 * x + 4e-6 * y)[None]


@pytest.mark.parametrize("location", ["northeast", "centre"])
def test_a_linear_drift_has_its_gradients_wherever_they_can_be_had(location: str) -> None:
    grid = replace(open_grid(12), drift_location=location)
    points = gradient_points(grid)
    # centre: 10 x 10 cells of ocean have 9 x 9 corners between them; corners: 9 x 9, 8 x 8 cells
    assert points.sum() == {"centre": 81, "northeast": 64}[location]
    gradients = velocity_gradients(*linear(grid), grid)
    known = np.array([1e-6, 3e-6, -2e-6, 4e-6]) * DAY
    assert gradients[:, 0, points] == pytest.approx(np.repeat(known[:, None], points.sum(), 1))
    assert (gradients[:, 0, ~points] == 0).all()


def test_divergence_and_shear_of_known_gradients() -> None:
    divergence, shear = divergence_and_shear(np.array([1.0, 3.0, -2.0, 4.0]))
    assert divergence == 5.0 and shear == pytest.approx(np.hypot(-3, 1))


def test_solid_rotation_does_not_deform() -> None:
    grid = open_grid(12)
    y, x = np.mgrid[0:12, 0:12] * SPACING
    gradients = velocity_gradients(-1e-6 * y[None], 1e-6 * x[None], grid)
    divergence, shear = divergence_and_shear(gradients)
    assert np.abs(divergence).max() < 1e-12 and np.abs(shear).max() < 1e-12


def test_uniform_deformation_is_the_same_at_all_scales() -> None:
    grid = open_grid(42)
    scaling = deformation_scaling(drifting(*linear(grid), grid))
    total = np.hypot(*divergence_and_shear(np.array([1e-6, 3e-6, -2e-6, 4e-6]) * DAY))
    assert scaling.scales == pytest.approx([50, 100, 200, 400])
    assert scaling.moments == pytest.approx(np.array([[total**q for q in (1, 2, 3)]] * 4))
    assert scaling.beta == pytest.approx(np.zeros(3), abs=1e-9)


def test_uncorrelated_gradients_scale_as_their_mean_over_boxes() -> None:
    # Drift points of independent noise: differences over a box of n cells are sums over its rim of
    # n points a side divided by its area, so a gradient falls as n ** -1.5.
    grid = open_grid(194)
    siu, siv = np.random.default_rng(0).normal(0, 0.1, (2, 4, 194, 194))
    scaling = deformation_scaling(drifting(siu, siv, grid))
    assert scaling.beta == pytest.approx([1.5, 3.0, 4.5], rel=0.1)
    assert abs(scaling.curvature) < 0.1


def test_a_localised_deformation_has_a_curved_structure_function() -> None:
    grid = open_grid(66)
    siu = np.zeros((1, 66, 66))
    siu[:, :, 33:] = 0.1  # a single lead: rate 1/n in one box of the row, none elsewhere
    scaling = deformation_scaling(drifting(siu, np.zeros_like(siu), grid))
    assert scaling.beta == pytest.approx([0.0, 1.0, 2.0], abs=0.15)
    assert scaling.curvature > 0.05


def test_open_water_does_not_deform() -> None:
    grid = open_grid(42)
    scaling = deformation_scaling(drifting(*linear(grid), grid, sic=0.1))
    assert np.isnan(scaling.moments).all() and np.isnan(scaling.beta).all()


def test_states_count_by_their_weights() -> None:
    grid = open_grid(42)
    siu, siv = linear(grid)
    both = drifting(np.concatenate([siu, 0 * siu]), np.concatenate([siv, 0 * siv]), grid)
    alone = deformation_scaling(both.subset(np.array([0]))).moments
    assert deformation_scaling(both).moments == pytest.approx(alone / 2)
    assert deformation_scaling(both, np.array([1.0, 0.0])).moments == pytest.approx(alone)
