"""States to go on from, and weather to drive them, on any small grid."""

from __future__ import annotations

import numpy as np
import xarray

from esm_coupler.generator.projection import project
from esm_coupler.grid import Grid
from esm_coupler.state import State, members_dataset
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


def days_with_weather(grid: Grid, year: int, n_days: int = 12) -> xarray.Dataset:
    """Days in a row from 1 January on, as a simulation's file of states and forcing has them: ice
    that grows, and drifts with the wind."""
    states, air = [], weather(grid, n_days, seed=year)
    for day in range(n_days):
        values = icy_state(grid).values
        values[1:3] *= 1 + 0.01 * day
        moving = grid.drift_mask & grid.touched_by(values[0] > 0)
        values[3:] = np.where(moving, 0.02 * air[day, 1:], 0.0)
        states.append(values)
    file = members_dataset(np.stack(states), NAMES, range(n_days), grid)
    file = file.drop_vars("realization").rename(realization="time")
    for k, name in enumerate(("tas", "uas", "vas")):
        file[name] = ("time", "y", "x"), air[:, k]
    file["time"] = "time", np.arange(n_days), {
        "units": f"days since {year}-01-01", "calendar": "noleap"}  # fmt: skip
    return file
