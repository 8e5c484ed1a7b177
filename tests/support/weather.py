"""A state to go on from, and weather to drive it, on any small grid."""

from __future__ import annotations

import numpy as np

from esm_coupler.generator.projection import project
from esm_coupler.grid import Grid
from esm_coupler.state import State
from support.tiny_pyramid import NAMES


def icy_state(grid: Grid) -> State:
    """Ice to the north, thin to thick, and a trace of it in open water."""
    y = np.arange(grid.shape[0])[:, None] * np.ones(grid.shape[1])
    sic = np.clip((y - 5) / 6, 0, 0.9) * grid.mask
    sic[2, 3] = 2e-4
    sit = sic * np.where(sic > 0, 0.5 + 0.1 * y, 0.0)
    drift = np.where(grid.drift_mask & grid.touched_by(sic > 0), 0.1, 0.0)
    return project(State(np.stack([sic, sit, 0.1 * sit, drift, -drift]), NAMES, grid))[0]


def weather(grid: Grid, n_days: int = 1, seed: int = 0) -> np.ndarray:
    """tas [K], uas and vas [m s-1], float64 (day, 3, y, x)."""
    noise = np.random.default_rng(seed).normal(size=(n_days, 3, *grid.shape))
    return np.array([260.0, 0.0, 0.0])[:, None, None] + np.array([5.0, 3, 3])[:, None, None] * noise
