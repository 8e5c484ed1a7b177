"""Forecasts against what came true: one forecast at one lead, and many of them pooled.

What is scored are sic and sit over the ocean, weighted with the area of cells, `drift` (siu and
siv together) at drift points that touch ice of the truth, and the ice edge. Errors are pooled over
forecasts as mean squares, of which the root is taken last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..fields import DRIFT
from ..grid import Grid
from .cover import ICE
from .ensemble_scores import (
    fair_crps,
    integrated_ice_edge_error,
    mean_squares,
    rank_histogram,
    undecided,
)

QUANTITIES = ("sic", "sit", "drift")
EDGE = "edge"  # the integrated ice-edge error [1e6 km2]

Score = Mapping[str, Any]  # of one forecast: quantity -> its numbers, and EDGE


def score(
    members: np.ndarray, truth: np.ndarray, names: Sequence[str], grid: Grid
) -> dict[str, Any]:
    """Numbers of one forecast, members (member, field, y, x) against the truth (field, y, x).

    Of each of QUANTITIES that there is: `error` and `spread`, mean squares of the mean's error and
    of what the spread says of it; `crps`, the fair one [the unit]; `ranks`, the share of `cells`
    undecided values in which the truth has each rank. A single member has no spread and no ranks,
    and its CRPS is the mean absolute error.
    """
    found: dict[str, Any] = {
        quantity: _numbers(*values) for quantity, *values in _values(members, truth, names, grid)
    }
    sic = names.index("sic")
    ocean = grid.mask
    found[EDGE] = integrated_ice_edge_error(
        members[:, sic][:, ocean], truth[sic][ocean], grid.cell_area[ocean]
    )
    return found


def _values(
    members: np.ndarray, truth: np.ndarray, names: Sequence[str], grid: Grid
) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """(quantity, members (member, value), truth (value,), weights (value,)) where there are any."""
    icy = grid.touched_by(truth[names.index("sic")] > ICE) & grid.drift_mask
    parts = {"sic": (("sic",), grid.mask), "sit": (("sit",), grid.mask), "drift": (DRIFT, icy)}
    for quantity, (fields, points) in parts.items():
        if not set(fields) <= set(names) or not points.any():
            continue
        index = [names.index(field) for field in fields]
        yield (
            quantity,
            members[:, index][:, :, points].reshape(len(members), -1).astype(np.float64),
            truth[index][:, points].ravel().astype(np.float64),
            np.tile(grid.cell_area[points], len(index)),
        )


def _numbers(members: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    if len(members) == 1:
        error = members[0] - truth
        return {
            "error": float(np.average(np.square(error), weights=weights)),
            "crps": float(np.average(np.abs(error), weights=weights)),
        }
    spread, error = mean_squares(members, truth, weights)
    cells = int(undecided(members, truth).sum())
    return {
        "error": error, "spread": spread, "crps": fair_crps(members, truth, weights),
        "cells": cells, "ranks": rank_histogram(members, truth).tolist() if cells else [],
    }  # fmt: skip


def pooled(scores: Sequence[Score]) -> dict[str, Any]:
    """Of many forecasts at one lead: quantity -> `rmse`, `crps`, and of ensembles `spread`,
    `spread_over_rmse` (None where the mean has no error) and `ranks`; and the mean of EDGE."""
    result: dict[str, Any] = {
        quantity: _pooled([one[quantity] for one in scores if quantity in one])
        for quantity in QUANTITIES
        if any(quantity in one for one in scores)
    }
    result[EDGE] = float(np.mean([one[EDGE] for one in scores]))
    result["forecasts"] = len(scores)
    return result


def _pooled(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    error = float(np.mean([one["error"] for one in several]))
    result: dict[str, Any] = {
        "rmse": error**0.5, "crps": float(np.mean([one["crps"] for one in several]))
    }  # fmt: skip
    if "spread" in several[0]:
        spread = float(np.mean([one["spread"] for one in several]))
        told = [one for one in several if one["cells"]]
        result["spread"] = spread**0.5
        result["spread_over_rmse"] = (spread / error) ** 0.5 if error > 0 else None
        result["ranks"] = _mean_histogram(told) if told else []
    return result


def _mean_histogram(several: Sequence[Mapping[str, Any]]) -> list[float]:
    cells = [one["cells"] for one in several]
    return np.average([one["ranks"] for one in several], axis=0, weights=cells).tolist()
