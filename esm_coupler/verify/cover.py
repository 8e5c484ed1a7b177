"""How much ice there is and where it ends: bounds of concentration, marginal ice zone, extent,
volume, and the probability of ice."""

from __future__ import annotations

import numpy as np

from .states import States

FULL_COVER = 0.995  # sic from which a cell counts as full: exactly 1 is rare in simulations
ICE = 0.15  # sic above which there is ice (the usual limit of extent and edge)
PACK = 0.80  # sic up to which ice is marginal


def zero_frequency(states: States) -> np.ndarray:
    """(state,) share of ocean cells in which sic is exactly 0."""
    return (states["sic"][:, states.grid.mask] == 0).mean(axis=1)


def full_frequency(states: States) -> np.ndarray:
    """(state,) share of ocean cells in which sic is at least 0.995."""
    return (states["sic"][:, states.grid.mask] >= FULL_COVER).mean(axis=1)


def marginal_area(states: States) -> np.ndarray:
    """(state,) area of cells with sic of 0.15 to 0.80, the marginal ice zone [1e6 km2]."""
    sic = states["sic"]
    return _area(states, (sic >= ICE) & (sic <= PACK))


def extent(states: States) -> np.ndarray:
    """(state,) area of cells with sic above 0.15 [1e6 km2]."""
    return _area(states, states["sic"] > ICE)


def volume(states: States) -> np.ndarray:
    """(state,) ice volume [1e3 km3]."""
    return _area(states, states["sit"])


def _area(states: States, values: np.ndarray) -> np.ndarray:
    area = states.grid.cell_area[states.grid.mask] / 1e12
    return values[:, states.grid.mask].astype(np.float64) @ area


def ice_probability(states: States, weights: np.ndarray | None = None) -> np.ndarray:
    """(y, x) share of states, with `weights`, that have sic above 0.15."""
    return np.average(states["sic"] > ICE, axis=0, weights=weights)


def probability_rmse(one: np.ndarray, other: np.ndarray, mask: np.ndarray) -> float:
    """Root-mean-square difference of two probabilities (y, x) over ocean cells, each cell the
    same, as in Finn et al. 2024 (arXiv 2406.18417)."""
    return float(np.sqrt(((one - other)[mask] ** 2).mean()))
