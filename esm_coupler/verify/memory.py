"""Neither copies nor strangers: how far each state is from the nearest training state."""

from __future__ import annotations

import numpy as np

from ..errors import InvalidValueError
from .calendar import days_apart
from .states import States

WINDOW = 15  # calendar days between a state and the training states that it is held against
PERCENTILES = (5, 25, 50, 75, 95)


def nearest_distances(states: States, training: States, window: int = WINDOW) -> np.ndarray:
    """(state,) normalised distance to the nearest training state within `window` calendar days:
    the root-mean-square difference over fields and ocean cells, fields normalised with mean and
    standard deviation of the training states, volumes as square roots, as the networks see them.

    InvalidValueError if a state has no training state of its time of the year.
    """
    close = days_apart(states.dates, training.dates) <= window
    if not close.any(axis=1).all():
        raise InvalidValueError(
            f"no training state is within {window} days of the calendar day of "
            f"{states.dates[close.any(axis=1).argmin()]}: give training states of that time"
        )
    mine, theirs = _normalised(states, training)
    # |a - b|2 = |a|2 + |b|2 - 2 a b finds the nearest; its own float32 sum is too rough for 0
    square = (theirs**2).sum(axis=1)[None] - 2 * mine @ theirs.T
    nearest = np.where(close, square, np.inf).argmin(axis=1)
    return np.array([_rms(a, theirs[k]) for a, k in zip(mine, nearest, strict=True)])


def _normalised(states: States, training: States) -> tuple[np.ndarray, np.ndarray]:
    """(state, value) float32 of both, by the training states' moments."""
    import torch

    from ..generator.normalisation import FieldNormalisation

    mask = training.grid.mask
    both = (states.of_names(training.names).fields, training.fields)
    ocean = [torch.from_numpy(fields[..., mask].astype("f4"))[..., None] for fields in both]
    normalisation = FieldNormalisation(training.names)
    normalisation.fit(ocean[1], torch.ones(ocean[1].shape[2:], dtype=torch.bool))
    # a field that never varies says nothing; do not divide by 0
    normalisation.std[normalisation.std == 0] = 1
    with torch.inference_mode():
        mine, theirs = (normalisation(fields).flatten(1).numpy() for fields in ocean)
    return mine, theirs


def _rms(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.sqrt(np.mean((one - other) ** 2, dtype=np.float64)))


def percentiles(distances: np.ndarray) -> dict[str, float]:
    """The 5, 25, 50, 75 and 95 % points."""
    return {str(p): float(v) for p, v in zip(PERCENTILES, np.percentile(distances, PERCENTILES))}
