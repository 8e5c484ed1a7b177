"""Units that files use, what they are in ours, and whether the values agree with them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import DataError

ICE_DENSITY, SNOW_DENSITY = 917.0, 330.0  # kg m-3, the defaults of Icepack and of SI3


@dataclass(frozen=True)
class Kind:
    """What is measured: the factor from each unit to ours, and what real data look like.

    `least` to `most` [our unit] is where their large values lie: the 99th percentile without
    zeros. Small values are no fault, unless a factor has made them small.
    """

    factors: Mapping[str, float]
    least: float
    most: float


_ONE = dict.fromkeys(("", "1", "-", "none", "unitless", "dimensionless", "fraction"), 1.0)
_LENGTH = {"": 1.0, "m": 1.0, "m3 m-2": 1.0, "cm": 0.01, "mm": 0.001}
FRACTION = Kind(_ONE | dict.fromkeys(("%", "percent", "percentage"), 0.01), 0.0101, 1.1)
ICE = Kind(_LENGTH, 0.1, 20.0)
SNOW = Kind(_LENGTH, 0.01, 5.0)
ICE_MASS = Kind({"kg m-2": 1 / ICE_DENSITY}, 0.1, 20.0)
SNOW_MASS = Kind({"kg m-2": 1 / SNOW_DENSITY}, 0.01, 5.0)
DRIFT = Kind(
    {"": 1.0, "m s-1": 1.0, "cm s-1": 0.01, "km day-1": 1 / 86.4, "km d-1": 1 / 86.4}, 0.01, 3.0
)
_DEGREES = ("", "degree", "degrees", "degrees_north", "degrees_east", "degree_north", "degree_east")
_RADIANS = ("rad", "radian", "radians")
DEGREES = dict.fromkeys(_DEGREES, 1.0) | dict.fromkeys(_RADIANS, float(np.rad2deg(1.0)))
RADIANS = dict.fromkeys(_RADIANS, 1.0) | dict.fromkeys(_DEGREES, float(np.deg2rad(1.0)))
AREA = {"": 1.0, "m2": 1.0, "km2": 1e6, "cm2": 1e-4}


def plain(units: object) -> str:
    """A unit as the tables above write it: 'meters/second' and 'm.s**-1' are both 'm s-1'."""
    text = re.sub(r"\(.*?\)", "", str(units)).lower().replace("**", "").replace("^", "")
    text = re.sub(r"\bmet(?:er|re)s?\b", "m", text)
    text = re.sub(r"\bseconds?\b|\bsec\b", "s", text)
    text = re.sub(r"/\s*([a-z]+)(\d?)", lambda unit: f" {unit[1]}-{unit[2] or 1}", text)
    return " ".join(re.sub(r"(?<=[a-z])\.(?=[a-z])", " ", text).split())


def factor_of(units: object, factors: Mapping[str, float], where: str) -> float:
    """The factor from `units` to ours; DataError if it is none of `factors`."""
    if plain(units) not in factors:
        known = ", ".join(f"'{unit}'" for unit in factors)
        raise DataError(f"{where} has the units '{units}': known are {known}; correct its units")
    return factors[plain(units)]


def judge(kind: Kind, units: object, values: np.ndarray, where: str) -> float:
    """The factor from `units` to ours, if `values` agree with it; else DataError."""
    factor = factor_of(units, kind.factors, where)
    nonzero = np.abs(values[np.isfinite(values) & (values != 0)])
    if not nonzero.size:
        return factor
    large = float(np.percentile(nonzero, 99))
    too_small = factor != 1 and large * factor < kind.least
    if too_small or large * factor > kind.most:
        raise DataError(
            f"{where} has the units '{units}', but values such as {large:.4g}, which contradict "
            "each other: correct its units"
        )
    return factor
