"""An ensemble against the one state that came true: reliability, sharpness and the ice edge.

Arrays are (member, cell) or (member, y, x) and the truth the same without members; weights are cell
areas. Members and truth should be draws of one distribution; then every score says so.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..pairs import pair_variance, variance_of_mean
from .cover import ICE

LEVELS = (0.5, 0.9)  # of the intervals whose coverage is told


def spread_over_rmse(
    members: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None, pairs: bool = False
) -> float:
    """Root of the expected squared error of the members' mean, as their spread has it, over its
    RMSE: 1 is right for any number of members (Fortin et al. 2014, doi:10.1175/JHM-D-14-0008.1).
    Not a number where the mean has no error."""
    spread, error = mean_squares(members, truth, weights, pairs)
    return float(np.sqrt(spread / error)) if error > 0 else float("nan")


def mean_squares(
    members: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None, pairs: bool = False
) -> tuple[float, float]:
    """(expected squared error of the mean as the spread has it, squared error of the mean): means
    over the cells, to be pooled over cases before their ratio is taken.

    The former is the variance of a member and that of the mean: (M + 1) / M of the variance for M
    independent members; less for `pairs`, whose mean is known better (see `pairs.py`).
    """
    n_members = len(members)
    if pairs:
        expected = pair_variance(members) + variance_of_mean(members)
    else:
        expected = members.var(axis=0, ddof=1) * (n_members + 1) / n_members
    error = np.square(members.mean(axis=0) - truth)
    return float(np.average(expected, weights=weights)), float(np.average(error, weights=weights))


def fair_crps(members: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Continuous ranked probability score, in the unit of the values, mean over cells (member,
    cell) -> that of an ensemble of any size (Ferro 2014, doi:10.1002/qj.2270); small is good."""
    from scores.probability import crps_for_ensemble

    forecast, happened = _labelled(members, truth)
    each = crps_for_ensemble(forecast, happened, "member", method="fair", preserve_dims="all")
    return float(np.average(each.values, weights=weights))


def undecided(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(cell,) bool: where members and truth are not all the same, as over ever open water, which
    would make any ensemble look reliable."""
    return (members != truth).any(axis=0)


def rank_histogram(members: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """(member + 1,) share of undecided cells in which the truth has each rank, ties shared among
    theirs (Hamill 2001, doi:10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2); flat is right. Not a
    number if no cell is undecided."""
    from scores.probability import rank_histogram as histogram

    chosen = undecided(members, truth)
    if not chosen.any():
        return np.full(len(members) + 1, np.nan)
    forecast, happened = _labelled(members[:, chosen], truth[chosen])
    return histogram(forecast, happened, "member").values


def chi_square(histogram: np.ndarray, n_cells: int) -> float:
    """Pearson's sum over the ranks, which has their number less one as expectation if the
    histogram is flat but for chance and cells are independent. Those of a field are not: hold it
    against that of another ensemble, not against a table."""
    expected = n_cells / len(histogram)
    return float((np.square(n_cells * histogram - expected) / expected).sum())


def coverage(members: np.ndarray, truth: np.ndarray, level: float, pairs: bool = False) -> float:
    """Share of undecided cells in which the truth lies in the central interval of the members,
    bounds included.

    The interval is such that members and a truth drawn alike give `level` itself, or, of few
    members, what lies between the outermost: of M independent ones, bounds have rank
    (1 - level) / 2 (M + 1), at least 1, from either end, with (M - 1) / (M + 1) between the
    outermost; of M / 2 `pairs` z + d, z - d, rank (1 - level) (M / 2 + 1), and M / (M + 2).
    """
    chosen = undecided(members, truth)
    if not chosen.any():
        return float("nan")
    n_members = len(members)
    rank = (1 - level) * ((n_members // 2 + 1) if pairs else (n_members + 1) / 2)
    share = max(rank - 1, 0.0) / (n_members - 1)
    low, high = np.quantile(members[:, chosen], (share, 1 - share), axis=0)
    return float(((truth[chosen] >= low) & (truth[chosen] <= high)).mean())


def integrated_ice_edge_error(sic: np.ndarray, truth: np.ndarray, area: np.ndarray) -> float:
    """Area [1e6 km2] where either the truth or the median of the members (sic above 0.15 in half of
    them), and not both, has ice (Goessling et al. 2016, doi:10.1002/2015GL067232)."""
    forecast = (sic > ICE).mean(axis=0) > 0.5
    return float(area[forecast != (truth > ICE)].sum() / 1e12)


def spatial_probability_score(sic: np.ndarray, truth: np.ndarray, area: np.ndarray) -> float:
    """Area integral [1e6 km2] of (P - O)^2, P the share of members with sic above 0.15, O 1 where
    the truth has it and 0 elsewhere (Goessling and Jung 2018, doi:10.1002/qj.3242). For a single
    member it is the integrated ice-edge error."""
    probability = (sic > ICE).mean(axis=0)
    return float((np.square(probability - (truth > ICE)) * area).sum() / 1e12)


def field_scores(
    members: np.ndarray, truth: np.ndarray, weights: np.ndarray, pairs: bool = False
) -> Mapping[str, object]:
    """All scores of one field (member, cell), two members or more. CRPS and rank histogram take
    `pairs` for independent members."""
    histogram = rank_histogram(members, truth)
    n_cells = int(undecided(members, truth).sum())
    spread, error = mean_squares(members, truth, weights, pairs)
    return {
        "spread": float(np.sqrt(spread)), "rmse": float(np.sqrt(error)),
        "spread_over_rmse": spread_over_rmse(members, truth, weights, pairs),
        "crps": fair_crps(members, truth, weights), "cells": n_cells,
        "coverage": {f"{level:g}": coverage(members, truth, level, pairs) for level in LEVELS},
        "rank_histogram": histogram.tolist(), "chi_square": chi_square(histogram, n_cells),
    }  # fmt: skip


def _labelled(members: np.ndarray, truth: np.ndarray) -> tuple:
    import xarray

    return xarray.DataArray(members, dims=("member", "cell")), xarray.DataArray(truth, dims="cell")
