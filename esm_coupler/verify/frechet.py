"""Fréchet distance in the latent of an independently trained autoencoder (FAED).

d2 = |m1 - m2|2 + tr(C1 + C2 - 2 (C1 C2)^1/2), Dowson and Landau 1982
(doi:10.1016/0047-259X(82)90077-X), as Heusel et al. 2017 (arXiv 1706.08500) use it on images;
for sea ice with an autoencoder in place of the image network: Finn et al. 2024 (arXiv 2406.18417).
"""

from __future__ import annotations

import numpy as np

from .calendar import SEASONS, day_weights, in_season

FEWEST = 2  # states of a season


def frechet_distance(
    one: np.ndarray, other: np.ndarray, weights: np.ndarray | None = None
) -> float:
    """Squared Fréchet distance between Gaussians fitted to (m, d) and (n, d), the second with
    `weights` (n,) of sum 1.

    The trace of (C1 C2)^1/2 is the sum of the singular values of A B^T, where C1 = A^T A and
    C2 = B^T B: no matrix root, and exact for fewer samples than dimensions too.
    """
    mean_1, a = _mean_and_factor(one, None)
    mean_2, b = _mean_and_factor(other, weights)
    cross = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    distance = ((mean_1 - mean_2) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * cross
    return max(0.0, float(distance))


def _mean_and_factor(x: np.ndarray, weights: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and A with A^T A the unbiased covariance."""
    w = np.full(len(x), 1 / len(x)) if weights is None else weights
    mean = w @ x
    unbiased = 1 - (w**2).sum()
    return mean, np.sqrt(w / unbiased)[:, None] * (x - mean) if unbiased > 0 else 0 * x


def seasonal_faed(
    one: np.ndarray, dates: np.ndarray, other: np.ndarray, other_dates: np.ndarray
) -> dict[str, float]:
    """Distance per season between latents (m, d) of `dates` and reference latents (n, d) of
    `other_dates`, weighted to the same calendar days, and 'mean' of the seasons.

    Only seasons with two states or more on either side; its noise floor is the same for single
    years of a simulation against its other years, drawn by `calendar.draw_like`.
    """
    result = {}
    for season in SEASONS:
        chosen = in_season(dates, season)
        if chosen.sum() < FEWEST:
            continue
        weights = day_weights(dates[chosen], other_dates)
        used = weights > 0
        if used.sum() >= FEWEST:
            result[season] = frechet_distance(one[chosen], other[used], weights[used])
    if result:
        result["mean"] = float(np.mean(list(result.values())))
    return result
