"""What may be missing, and what is refused: values outside their own bounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..fields import DRIFT, FIELDS

ROUND_OFF = 1e-3  # of packing or interpolation, in the unit of the field: put back on the bound


class Fault(NamedTuple):
    """The first value of one day (counted from 0 in its block) that is refused."""

    day: int
    j: int
    i: int
    value: float
    allowed: str
    points: int


def allowed(name: str) -> tuple[float, float]:
    """Least and largest value that is taken: the physical bounds, else what is plausible."""
    field = FIELDS[name]
    return max(field.lower, field.plausible[0]), min(field.upper, field.plausible[1])


def complete(fields: Mapping[str, np.ndarray], mask: np.ndarray) -> dict[str, np.ndarray]:
    """Zero on land, and where a model may leave out what it has no ice for; (day, y, x) each.

    Drift may be missing too at the coast and at the ice edge, where staggered grids have no point.
    """
    from scipy.ndimage import binary_erosion

    ice = _ice(fields, mask)
    inside = binary_erosion(ice & mask, np.ones((1, 3, 3), bool), border_value=0)
    done = {}
    for name, values in fields.items():
        needed = inside if name in DRIFT else ice
        empty = ~mask if name == "sic" else ~mask | (np.isnan(values) & ~needed)
        done[name] = np.where(empty, np.float32(0), values)
    return done


def bounded(name: str, values: np.ndarray) -> tuple[np.ndarray, int]:
    """Values with round-off put back on their bounds, and how many that were."""
    low, high = allowed(name)
    clipped = np.clip(values, np.float32(low), np.float32(high))
    return clipped, int(np.count_nonzero(clipped != values))


def fault_in(name: str, values: np.ndarray) -> Fault | None:
    """What is wrong with (day, y, x) of a field, if anything."""
    low, high = allowed(name)
    wrong = ~((values >= low - ROUND_OFF) & (values <= high + ROUND_OFF))
    if not wrong.any():
        return None
    day, j, i = (int(k) for k in np.argwhere(wrong)[0])
    text = f"{low:g} to {high:g}{FIELDS[name].unit_text}"
    return Fault(day, j, i, float(values[day, j, i]), text, int(wrong[day].sum()))


def _ice(fields: Mapping[str, np.ndarray], mask: np.ndarray) -> np.ndarray:
    """(day, y, x) bool: where there is ice, as far as the fields tell."""
    for name in ("sic", "sit"):
        if name in fields:
            return fields[name] > 0
    return np.broadcast_to(mask, next(iter(fields.values())).shape)
