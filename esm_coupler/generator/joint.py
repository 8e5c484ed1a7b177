"""Decoded fields made consistent with each other: area with volume, drift only where ice is."""

from __future__ import annotations

import numpy as np

from ..fields import DRIFT
from ..grid import Grid
from ..state import State
from .projection import check_plausible

# Thickness [m] of ice of which only volume (what is left in nearly open water is thick: a median
# of 2.3 m in the training simulation) or only area (new ice) was decoded. Powers of two, so that
# a value stays a real32.
REMNANT_THICKNESS, NEW_ICE_THICKNESS = 2.0, 0.125


def joint_state(
    fields: np.ndarray, names: tuple[str, ...], grid: Grid
) -> tuple[State, int]:
    """State of decoded fields (field, y, x), and in how many cells area and volume were completed;
    InvalidValueError for what is not finite or implausible.

    Each field is censored for itself, so in traces of ice one of the two may lie on its bound
    while the other does not: the missing one follows from a typical thickness.
    """
    values = fields.astype(np.float64)
    check_plausible(State(values, names, grid))  # first: NaN would pass for open water below
    completed = 0
    if "sic" in names and "sit" in names:
        sic, sit = values[names.index("sic")], values[names.index("sit")]
        without_area, without_volume = (sit > 0) & (sic <= 0), (sic > 0) & (sit <= 0)
        sic[without_area] = np.minimum(sit[without_area] / REMNANT_THICKNESS, 1.0)
        sit[without_volume] = sic[without_volume] * NEW_ICE_THICKNESS
        completed = int((without_area | without_volume).sum())
    ice = np.logical_or.reduce([values[names.index(n)] > 0 for n in ("sic", "sit") if n in names])
    touched = grid.touched_by(ice) & grid.drift_mask
    for index, name in enumerate(names):
        values[index] = np.where(touched if name in DRIFT else ice, values[index], 0.0)
    return State(values, names, grid), completed
