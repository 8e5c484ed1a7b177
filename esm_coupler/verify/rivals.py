"""The cheap rivals of a generator: what its states have to be better than."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..fields import DRIFT
from ..grid import Grid
from ..state import State
from .calendar import days_apart
from .states import States

N_EOFS = 60
WINDOW = 15  # days: training days of the same time of the year

Draw = Callable[[np.random.Generator, np.datetime64, States], np.ndarray]


def climatology(rng: np.random.Generator, date: np.datetime64, training: States) -> np.ndarray:
    """(field, y, x) of a random training state of the calendar day: a copy, and so the best that
    the scores of distributions can be."""
    apart = days_apart(np.array([date]), training.dates)[0]
    return training.fields[rng.choice(np.flatnonzero(apart == apart.min()))].astype(np.float64)


def eof_gaussian(rng: np.random.Generator, date: np.datetime64, training: States) -> np.ndarray:
    """(field, y, x): the mean of the time of the year, and Gaussian amplitudes of the leading
    EOFs of its training states with their variances; clipped to the bounds."""
    near = days_apart(np.array([date]), training.dates)[0] <= WINDOW
    states = training.fields[near].astype(np.float64)
    mean = states.mean(axis=0)
    anomalies = (states - mean).reshape(len(states), len(training.names), -1)
    scale = anomalies.std(axis=(0, 2), keepdims=True)
    scale[scale == 0] = 1
    _, amplitudes, patterns = np.linalg.svd(
        (anomalies / scale).reshape(len(states), -1), full_matrices=False
    )
    n_eofs = min(N_EOFS, len(amplitudes))
    weights = rng.standard_normal(n_eofs) * amplitudes[:n_eofs] / np.sqrt(len(states) - 1)
    drawn = (weights @ patterns[:n_eofs]).reshape(anomalies.shape[1:]) * scale[0]
    return _on_bounds(mean + drawn.reshape(mean.shape), training.names, training.grid)


def _on_bounds(fields: np.ndarray, names: tuple[str, ...], grid: Grid) -> np.ndarray:
    """Area in 0 to 1, no negative volume, drift only where ice is."""
    state = State(fields.copy(), names, grid)
    for name in names:
        if name in DRIFT:
            continue
        values = state[name]
        values[...] = values.clip(0, 1 if name in ("sic", "sid") else None) * grid.mask
    ice = state["sic"] > 0
    for name in names:
        state[name][...] *= grid.touched_by(ice) & grid.drift_mask if name in DRIFT else ice
    return state.values


RIVALS: dict[str, Draw] = {"climatology": climatology, "eof_gaussian": eof_gaussian}
