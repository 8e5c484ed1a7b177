"""Fréchet distance in the latent of an independently trained autoencoder (FAED).

d2 = |m1 - m2|2 + tr(C1 + C2 - 2 (C1 C2)^1/2), Dowson and Landau 1982
(doi:10.1016/0047-259X(82)90077-X), as Heusel et al. 2017 (arXiv 1706.08500) use it on images;
for sea ice with an autoencoder in place of the image network: Finn et al. 2024 (arXiv 2406.18417).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CheckpointError
from .calendar import SEASONS, day_weights, in_season
from .states import States

if TYPE_CHECKING:
    from ..generator.autoencoder import Autoencoder

SHIPPED = "faed"  # name of the autoencoder's checkpoint, where it ships with the package
FEWEST = 2  # states of a season


def latent_means(states: States, autoencoder: Autoencoder, batch: int = 64) -> np.ndarray:
    """(state, element) float64: flattened mean latents of the states.

    CheckpointError if the autoencoder is for other fields or another mask.
    """
    import torch

    _require_same(states, autoencoder)
    fields = states.of_names(autoencoder.names).fields
    parts = []
    with torch.inference_mode():
        for first in range(0, len(fields), batch):
            part = torch.from_numpy(np.ascontiguousarray(fields[first : first + batch], "f4"))
            parts.append(autoencoder.encode(part).flatten(1).double().numpy())
    return np.concatenate(parts)


def load_faed(name_or_path: str | Path = SHIPPED) -> Autoencoder:
    """The autoencoder of a checkpoint of kind 'autoencoder', in evaluation mode."""
    from ..generator.checkpoint import read_checkpoint
    from ..generator.model import load_autoencoder

    return load_autoencoder(read_checkpoint(name_or_path, "autoencoder"))[0].eval()


def _require_same(states: States, autoencoder: Autoencoder) -> None:
    lacking = [name for name in autoencoder.names if name not in states]
    if lacking:
        raise CheckpointError(
            f"the autoencoder of the Fréchet distance needs the field '{lacking[0]}', the states "
            f"have {', '.join(states.names)}: score states with {', '.join(autoencoder.names)}"
        )
    mask = autoencoder.mask.cpu().numpy()
    if mask.shape != states.grid.shape or (mask != states.grid.mask).any():
        raise CheckpointError(
            "the autoencoder of the Fréchet distance is for another grid or mask than the states: "
            "name one of theirs"
        )


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
