"""Distances between distributions of one number, such as the extent of a month."""

from __future__ import annotations

import numpy as np


def wasserstein(one: np.ndarray, other: np.ndarray, weights: np.ndarray | None = None) -> float:
    """First Wasserstein distance, in the unit of the values: the area between the distribution
    functions of (m,) and of (n,), the second with `weights`."""
    from scipy.stats import wasserstein_distance

    return float(wasserstein_distance(one, other, v_weights=weights))


def crps(ensemble: np.ndarray, truth: np.ndarray, weights: np.ndarray | None = None) -> float:
    """Continuous ranked probability score of (m,) members, in their unit: the mean, with
    `weights`, over truths (n,), each taken for an observation.

    Fair, that is independent of m in expectation (Ferro 2014, doi:10.1002/qj.2270), where there
    are two members or more. It is least when the members have the distribution of the truths, and
    then half the mean difference between two of these.
    """
    import xarray
    from scores.probability import crps_for_ensemble

    method = "fair" if len(ensemble) > 1 else "ecdf"
    members, cases = xarray.DataArray(ensemble, dims="member"), xarray.DataArray(truth, dims="case")
    each = crps_for_ensemble(members, cases, "member", method=method, preserve_dims="all")
    return float(np.average(each.values, weights=weights))
