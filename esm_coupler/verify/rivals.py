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
    ocean = training.grid.mask
    near = days_apart(np.array([date]), training.dates)[0] <= WINDOW
    states = training.fields[near][..., ocean].astype(np.float64)
    mean = states.mean(axis=0)
    anomalies = states - mean
    scale = anomalies.std(axis=(0, 2), keepdims=True)
    scale[scale == 0] = 1
    share = rng.standard_normal(min(N_EOFS, len(states))) @ eof_weights(
        (anomalies / scale).reshape(len(states), -1)
    )
    drawn = np.zeros(training.fields.shape[1:])
    drawn[:, ocean] = mean + np.tensordot(share, anomalies, axes=1)
    return _on_bounds(drawn, training.names, training.grid)


def eof_weights(anomalies: np.ndarray, n_eofs: int = N_EOFS) -> np.ndarray:
    """(eof, state): each leading EOF of (state, value) anomalies, times the standard deviation of
    its amplitude, is their sum with these weights.

    From the eigenvectors of the small matrix of products of states (Sirovich 1987, the method of
    snapshots), not of the large one of values. Signs are arbitrary: an EOF's largest weight is
    positive.
    """
    _, vectors = np.linalg.eigh(anomalies @ anomalies.T)
    leading = vectors[:, ::-1].T[:n_eofs]
    largest = np.take_along_axis(leading, np.abs(leading).argmax(axis=1)[:, None], axis=1)
    return leading * np.sign(largest) / np.sqrt(len(anomalies) - 1)


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
