"""From the aggregate of a cell (area, ice and snow volume) to its thickness categories.

Two ways: `split` takes a gamma distribution of thickness, `rescale` keeps the thickness of the
categories of a background and changes their areas. Both end in `_settle`, which alone knows what a
model accepts. All arrays are float64, categories first: (category, cell).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import numpy as np

from ..errors import InvalidValueError

MIN_AREA = 1e-6  # of a category; less is merged into the others
MIN_VOLUME = 1e-5  # m, of a category
MARGIN = 1e-9  # relative distance of a category's thickness from its bounds
MAX_SNOW_PER_ICE = 0.330  # (rho_water - rho_ice) / rho_snow
PUNY = 1e-11  # of area above one: where Icepack aborts
MAX_MEAN_THICKNESS = 20.0  # m of ice, sit / sic
FULL = 1 - 1e-15  # the area of a full cell, so that no order of summation exceeds 1

_STEPS = 60  # of bisection: below the round-off of float64
_STEEPEST = 30.0  # exponent of the largest change of a category's area


@dataclass(frozen=True, eq=False)
class Categories:
    """area [1], volume and snow [m per cell area]: float64 (category, cell)."""

    area: np.ndarray
    volume: np.ndarray
    snow: np.ndarray

    def total(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """sic, sit, snt (cell): summed in the order of the model's own loop."""
        return _sum(self.area), _sum(self.volume), _sum(self.snow)

    def differs(self, other: Categories) -> np.ndarray:
        """(cell) bool: where any category is not that of `other`."""
        pairs = ((getattr(self, n), getattr(other, n)) for n in ("area", "volume", "snow"))
        return np.logical_or.reduce([(one != two).any(axis=0) for one, two in pairs])

    @property
    def thickness(self) -> np.ndarray:
        """(category, cell) ice thickness [m], 0 where there is no ice."""
        return _ratio(self.volume, self.area)


def split(sic: np.ndarray, sit: np.ndarray, snt: np.ndarray, bounds: np.ndarray) -> Categories:
    """Categories of cells of which only sic, sit and snt (cell) are known.

    Area and volume of each cell are conserved; cells with less than MIN_AREA or MIN_VOLUME are
    emptied. InvalidValueError for what is no ice at all (see `check_totals`).
    """
    empty = np.zeros((len(bounds) - 1, len(sic)))
    return rescale(sic, sit, snt, Categories(empty, empty, empty), bounds)


def rescale(
    sic: np.ndarray, sit: np.ndarray, snt: np.ndarray,
    background: Categories, bounds: np.ndarray,
) -> Categories:  # fmt: skip
    """The categories of `background` with the totals sic, sit, snt (cell).

    Where the background has those totals already, it comes back to the bit. Elsewhere the areas
    change as exp(b h), which keeps thicknesses h; only a mean thickness that no mixture of the
    present categories has changes them. Where that does not suffice: a gamma distribution.
    """
    check_totals(sic, sit, snt, bounds)
    old_area, old_volume, old_snow = background.total()
    area, volume = background.area.copy(), background.volume.copy()
    changed = (sic != old_area) | (sit != old_volume)
    area[:, changed], volume[:, changed] = 0.0, 0.0
    some = changed & (sic >= MIN_AREA) & (sit >= MIN_VOLUME)
    area[:, some], volume[:, some] = _settled(
        sic[some], sit[some], background.area[:, some], background.thickness[:, some], bounds
    )
    snow = background.snow.copy()
    new_snow = changed | (snt != old_snow)
    depth = _ratio(background.snow, background.area)
    snow[:, new_snow] = _snow(
        area[:, new_snow], volume[:, new_snow], snt[new_snow], depth[:, new_snow]
    )
    return Categories(area, volume, snow)


def check_totals(
    sic: np.ndarray, sit: np.ndarray, snt: np.ndarray, bounds: np.ndarray
) -> None:
    """InvalidValueError unless sic, sit and snt (cell) are finite, in their bounds and go together:
    ice has area and volume, snow lies on ice, and the mean thickness is below the last bound."""
    for name, values, most in (("sic", sic, 1 + PUNY), ("sit", sit, np.inf), ("snt", snt, np.inf)):
        _refuse(~((values >= 0) & (values <= most) & (values < np.inf)), name, values)
    _refuse((sic > 0) != (sit > 0), "sit without sic, or sic without sit: sit", sit)
    _refuse((snt > 0) & (sic == 0), "snow without ice: snt", snt)
    thickness = _ratio(sit, sic)
    _refuse(thickness > 0.5 * bounds[-1], "ice thickness sit / sic", thickness)


def _refuse(wrong: np.ndarray, name: str, values: np.ndarray) -> None:
    if wrong.any():
        cell = int(np.argmax(wrong))
        raise InvalidValueError(
            f"{name} is {values[cell]} in cell {cell + 1} and wrong in {wrong.sum()} cells: it "
            "cannot be split into categories; project the state first"
        )


def _settled(
    sic: np.ndarray, sit: np.ndarray, area: np.ndarray, thickness: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Area and volume (category, cell) with the totals sic and sit, by the first way that works."""
    mean = sit / sic
    limits = _limits(bounds, thickness, mean)
    new_area, new_thickness, good = _settle(area, thickness, sic, sit, *limits)
    for way in (_gamma, _one_category):
        bad = ~good
        if not bad.any():
            break
        first = way(sic[bad], mean[bad], bounds)
        inside = [limit[:, bad] for limit in limits]
        new_area[:, bad], new_thickness[:, bad], good[bad] = _settle(
            *first, sic[bad], sit[bad], *inside
        )
    return new_area, new_area * new_thickness


def _limits(
    bounds: np.ndarray, thickness: np.ndarray, mean: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Thinnest and thickest ice (category, cell) inside the bounds; the open end of the last
    category is not far from the ice that there is."""
    low = np.broadcast_to(bounds[:-1, None] * (1 + MARGIN), thickness.shape)
    high = np.array(np.broadcast_to(bounds[1:, None] * (1 - MARGIN), thickness.shape))
    thickest = np.maximum(MAX_MEAN_THICKNESS, 1.01 * np.maximum(mean, thickness[-1]))
    high[-1] = np.minimum(high[-1], thickest)
    return low, high


def _settle(
    area: np.ndarray, thickness: np.ndarray, sic: np.ndarray, sit: np.ndarray,
    low: np.ndarray, high: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Area and thickness with the totals sic and sit, between low and high, without remnants, and
    in which cells (cell) that could be reached."""
    area, thickness = area.copy(), thickness.clip(low, high)
    least_area, least_volume = (1 - MARGIN) * MIN_AREA, (1 - MARGIN) * MIN_VOLUME
    thinnest = np.zeros(area.shape, dtype=bool)
    for _ in range(len(area) + 1):  # each round merges the thinnest category, or is the last
        area[thinnest] = 0.0
        area = _with_total(_tilted(area, thickness, sit / sic), sic)
        thickness = _with_volume(area, thickness, sit, low, high)
        volume = area * thickness
        thin = (area > 0) & ((area < least_area) | (volume < least_volume))
        if not thin.any():
            break
        thinnest = thin & (volume <= np.where(thin, volume, np.inf).min(axis=0))
    # one part in 1e9 of a remnant is what a lone category on a bound has to give
    missed = np.abs(_sum(area * thickness) - sit) > 1e-13 + 1e-14 * sit
    good = (_sum(area) > 0) & ~missed & ~thin.any(axis=0)
    return area, thickness, good


def _with_total(area: np.ndarray, sic: np.ndarray) -> np.ndarray:
    """The areas scaled to the sum sic, which stays below 1 in any order of summation."""
    total = _sum(area)
    return area * _ratio(np.minimum(sic, FULL), total)


def _with_volume(
    area: np.ndarray, thickness: np.ndarray, sit: np.ndarray, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """The thicknesses moved towards low or high, all by the same share, until the volume is sit."""
    missing = sit - _sum(area * thickness)
    towards = np.where(missing > 0, high, low)
    room = _sum(area * np.abs(towards - thickness))
    share = np.minimum(_ratio(np.abs(missing), room), 1.0)
    return thickness + share * (towards - thickness)


def _tilted(area: np.ndarray, thickness: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Areas times exp(b h), with b such that the mean thickness is `mean` (cell), if any does."""
    distance = np.where(area > 0, thickness - mean, 0.0)
    steepest = _ratio(np.full(mean.shape, _STEEPEST), np.abs(distance).max(axis=0))
    low, high = -steepest, steepest
    for _ in range(_STEPS):
        b = 0.5 * (low + high)
        too_thick = _sum(area * distance * np.exp(b * distance)) > 0
        low, high = np.where(too_thick, low, b), np.where(too_thick, b, high)
    return area * np.exp(0.5 * (low + high) * distance)


def _gamma(
    sic: np.ndarray, mean: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Area and thickness of the area density 4 A/H^2 x exp(-2 x/H) between the bounds."""
    x = bounds[:, None] / mean
    decay = np.exp(-2 * x)
    area = sic * -np.diff((1 + 2 * x) * decay, axis=0)
    volume = sic * mean * -np.diff((1 + 2 * x + 2 * x**2) * decay, axis=0)
    return area, _ratio(volume, area)


def _one_category(
    sic: np.ndarray, mean: np.ndarray, bounds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """All ice in the category of the mean thickness."""
    area = np.zeros((len(bounds) - 1, len(sic)))
    category = np.searchsorted(bounds[1:-1], mean, side="right")
    area[category, np.arange(len(sic))] = sic
    return area, np.where(area > 0, mean, 0.0)


def _snow(
    area: np.ndarray, volume: np.ndarray, snt: np.ndarray, depth: np.ndarray
) -> np.ndarray:
    """Snow volume (category, cell) of total snt: as deep as the background's `depth`, or like the
    ice where that would flood a category or there is none."""
    like_depth = area * depth
    snow = like_depth * _ratio(snt, _sum(like_depth))
    floods = (snow > MAX_SNOW_PER_ICE * volume).any(axis=0) | (_sum(like_depth) == 0)
    return np.where(floods, volume * _ratio(snt, _sum(volume)), snow)


def _sum(values: np.ndarray) -> np.ndarray:
    """Sum over categories, one after the other as a model does it."""
    return reduce(np.add, values)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
