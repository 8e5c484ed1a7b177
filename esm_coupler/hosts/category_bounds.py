"""Thickness bounds of the ice categories, as Icepack makes them (icepack_init_itd, kitd = 1)."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidValueError

KCATBOUNDS = (-1, 0, 1, 2, 3)
THICKEST = 999.9  # m, the top of the last category

_WMO = {
    5: (0.30, 0.70, 1.20, 2.00),
    6: (0.15, 0.30, 0.70, 1.20, 2.00),
    7: (0.10, 0.15, 0.30, 0.70, 1.20, 2.00),
}


def category_bounds(n_categories: int, kcatbound: int = 0) -> np.ndarray:
    """float64 (n_categories + 1,) bounds [m], from 0 to 999.9.

    kcatbound: -1 one category, 0 Lipscomb (2001), 1 round numbers, 2 World Meteorological
    Organization (5, 6 or 7 categories), 3 asymptotic. InvalidValueError for another one, or for a
    number of categories that it does not have.
    """
    if kcatbound not in KCATBOUNDS or n_categories < 1:
        raise InvalidValueError(
            f"kcatbound = {kcatbound} with {n_categories} categories is no choice of Icepack: "
            f"take kcatbound from {KCATBOUNDS} and at least one category"
        )
    n = np.arange(1, n_categories + 1, dtype=np.float64)
    if kcatbound == 0:
        upper = _lipscomb(n)
    elif kcatbound == 1:
        upper = n * (3 / n.size + 0.5 / n.size * (n - 1))
    elif kcatbound == 2 and n_categories in _WMO:
        upper = np.array((*_WMO[n_categories], THICKEST))
    elif kcatbound == 3 and n_categories > 1:
        upper = _asymptotic(n)
    elif kcatbound == -1 and n_categories == 1:
        upper = n
    else:
        raise InvalidValueError(
            f"kcatbound = {kcatbound} does not go with {n_categories} categories: 2 needs 5, 6 or "
            "7, 3 needs two or more, -1 is for one"
        )
    return np.concatenate([[0.0], upper[:-1], [THICKEST]])


def _lipscomb(n: np.ndarray) -> np.ndarray:
    """Lipscomb (2001): h_n = h_(n-1) + 3/N + (45/N) (1 + tanh(3 ((n-1)/N - 1)))."""
    width = 3 / n.size + 45 / n.size * (1 + np.tanh(3 * ((n - 1) / n.size - 1)))
    return np.cumsum(width)


def _asymptotic(n: np.ndarray) -> np.ndarray:
    """Widths that tend to 0.1 m for many categories."""
    width, count = 0.1, n.size
    b3 = max(count * (count - 1), 2 * 3.0 / width)
    return width * (n + b3 * n * (n + 1) / (2 * count * (count - 1)))
