"""Whether concentration and thickness go together as they should: distance of joint histograms."""

from __future__ import annotations

import numpy as np

from .cover import FULL_COVER
from .states import States

# Open water and full cover have bins of their own; thickness bins widen as ice gets thicker.
SIC_EDGES = np.array(
    [-np.inf, np.nextafter(0, 1), *np.linspace(0.05, 0.95, 19), FULL_COVER, np.inf]
)
SIT_EDGES = np.array([-np.inf, np.nextafter(0, 1), *(0.01 * 2 ** np.arange(0, 10.5, 0.5)), np.inf])


def joint_histogram(states: States, weights: np.ndarray | None = None) -> np.ndarray:
    """(sic bin, sit bin) share of ocean cells, each state with its weight; sum 1."""
    mask = states.grid.mask
    sic, sit = states["sic"][:, mask].astype("f8"), states["sit"][:, mask].astype("f8")
    shares = np.full(len(states), 1 / len(states)) if weights is None else weights
    each = np.broadcast_to(shares[:, None] / mask.sum(), sic.shape)
    bins = [np.digitize(sic, SIC_EDGES) - 1, np.digitize(sit, SIT_EDGES) - 1]
    shape = (len(SIC_EDGES) - 1, len(SIT_EDGES) - 1)
    flat = np.ravel_multi_index(bins, shape).ravel()
    return np.bincount(flat, each.ravel(), minlength=shape[0] * shape[1]).reshape(shape)


def hellinger(one: np.ndarray, other: np.ndarray) -> float:
    """Hellinger distance of two histograms of sum 1: sqrt(1 - sum sqrt(p q)), 0 for the same and 1
    for histograms that share no bin (Hellinger 1909).

    Chosen over total variation because the root gives rare pairs, such as thick ice at the edge, a
    say beside the two large bins of open water and of full cover; and over relative entropy
    because an empty bin does no harm.
    """
    return float(np.sqrt(max(0.0, 1 - np.sqrt(one * other).sum())))
