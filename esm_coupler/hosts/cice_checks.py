"""What CICE 6 accepts of a restart: rules read in Icepack's code and measured with the model.

The model stops where a rule's verdict is `abort`; where it is `swallow`, it runs on with another
state than the file has, or with an absurd one. True states break none of these.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..errors import InvalidValueError
from .acceptance import Finding, finding, grouped
from .category_bounds import KCATBOUNDS, category_bounds
from .cice_restart import OCEAN_STRESSES, STATE, STRESSES, CiceRestart
from .cice_thermo import (
    COLDEST,
    MIN_SALINITY,
    MIN_SNOW_DEPTH,
    PUNY,
    ice_temperature,
    melting_enthalpy,
    snow_temperature,
    warmest_snow,
)
from .itd import MARGIN, MAX_MEAN_THICKNESS, MAX_SNOW_PER_ICE, MIN_AREA, MIN_VOLUME

MAX_SNOW_DEPTH, MAX_SPEED = 4.0, 2.0  # m of snow in the mean of a cell, m s-1
WARMEST_SURFACE = 1e-6  # degrees C, and round-off
# the most of stresses [kg s-2], other fields of one level, and tracers (enthalpy is the largest)
PLAUSIBLE_STRESS, PLAUSIBLE, PLAUSIBLE_TRACER = 1e8, 1e6, 1e12


def checks(restart: CiceRestart, kcatbound: int | None = None) -> list[Finding]:
    """All checks in order. With `kcatbound` None the bounds that most categories are inside."""
    infinite = _finite(restart)
    if any(found.cells for found in infinite):
        return infinite  # other rules say nothing of what is no number
    with np.errstate(all="ignore"):
        return [
            *infinite, *_state(restart), *_thickness(restart, kcatbound), *_ice(restart),
            *_snow(restart), *_tracers(restart), *_dynamics(restart), *_fields(restart),
        ]  # fmt: skip


def _finite(restart: CiceRestart) -> list[Finding]:
    found = (
        finding(f"{name} not finite", "abort", ~np.isfinite(values), values)
        for name, values in restart.values.items()
    )
    return grouped("values not finite", "abort", found)


def _state(restart: CiceRestart) -> Iterator[Finding]:
    area, volume, snow = (restart[name] for name in STATE)
    total = restart.categories().total()[0].reshape(restart.shape)
    yield finding("aicen below zero", "swallow", area < 0, area)
    yield finding("sum of aicen above 1", "abort", total > 1 + PUNY, total)
    yield finding("vicen below zero", "swallow", volume < 0, volume)
    yield finding("vsnon below zero", "swallow", snow < 0, snow)
    yield finding("area without volume", "swallow", (area > 0) & (volume <= 0), area)
    yield finding("volume without area", "swallow", (area <= 0) & (volume > 0), volume)
    yield finding("snow without ice", "abort", (area <= 0) & (snow > 0), snow)
    yield finding("ice on land", "swallow", (area > 0) & ~restart.ocean, area)
    thin = (area > 0) & ((area < MIN_AREA) | (volume < MIN_VOLUME))
    yield finding("thin remnant of a category", "note", thin, area, badness=-area)


def _thickness(restart: CiceRestart, kcatbound: int | None) -> Iterator[Finding]:
    area = restart["aicen"]
    ice = area > PUNY
    thickness, depth = (_per_area(restart[name], area, ice) for name in ("vicen", "vsnon"))
    sic, sit, snt = (total.reshape(restart.shape) for total in restart.categories().total())
    thickest = np.maximum.accumulate(np.where(ice, thickness, 0.0), axis=0)
    thinner = np.zeros_like(ice)
    thinner[1:] = ice[1:] & (thickness[1:] <= thickest[:-1])
    yield finding("thickness not increasing with category", "abort", thinner, thickness)
    outside = outside_bounds(restart, kcatbound)
    yield finding("thickness outside its category", "swallow", outside, thickness)
    for what, volume, most in (("ice", sit, MAX_MEAN_THICKNESS), ("snow", snt, MAX_SNOW_DEPTH)):
        mean = _per_area(volume, sic, sic > PUNY)
        yield finding(f"{what} above {most:g} m", "swallow", mean > most * (1 + MARGIN), mean)
    flooded = ice & (depth > MAX_SNOW_PER_ICE * thickness)
    yield finding("snow that floods the ice", "note", flooded, depth)


def outside_bounds(restart: CiceRestart, kcatbound: int | None) -> np.ndarray:
    """(ncat, nj, ni) bool: ice that is not in its category."""
    area = restart["aicen"]
    ice = area > PUNY
    thickness = _per_area(restart["vicen"], area, ice)
    best = np.ones_like(ice)
    for choice in KCATBOUNDS if kcatbound is None else (kcatbound,):
        try:
            bounds = category_bounds(restart.n_categories, choice)[:, None, None]
        except InvalidValueError:
            if kcatbound is not None:
                raise
            continue
        outside = ice & ((thickness < bounds[:-1]) | (thickness > bounds[1:]))
        best = min(best, outside, key=np.count_nonzero)
    return best


def _ice(restart: CiceRestart) -> Iterator[Finding]:
    ice = restart["aicen"] > PUNY
    layers = list(zip(restart.layers("sice"), restart.layers("qice"), strict=True))
    yield from grouped("sice outside 0.1 to 50", "abort", (
        finding(f"{salt} outside 0.1 to 50", "abort", ice & ~(
            (restart[salt] >= MIN_SALINITY - PUNY) & (restart[salt] <= 50)), restart[salt])
        for salt, _ in layers
    ))  # fmt: skip
    yield from grouped("qice warmer than melting", "abort", (
        finding(f"{heat} warmer than melting", "abort",
                ice & (restart[heat] > melting_enthalpy(restart[salt])), restart[heat])
        for salt, heat in layers
    ))  # fmt: skip
    yield from grouped("qice below -100 C", "abort", (
        finding(f"{heat} below -100 C", "abort",
                ice & (ice_temperature(restart[heat], restart[salt]) < COLDEST), restart[heat])
        for salt, heat in layers
    ))  # fmt: skip


def _snow(restart: CiceRestart) -> Iterator[Finding]:
    area, volume = restart["aicen"], restart["vsnon"]
    snow = (area > PUNY) & (volume > MIN_SNOW_DEPTH * area)
    layers = {name: snow_temperature(restart[name]) for name in restart.layers("qsno")}
    yield from grouped("qsno warmer than 0 C", "abort", (
        finding(f"{name} warmer than 0 C", "abort",
                snow & (celsius > warmest_snow(restart[name], volume, len(layers))), celsius)
        for name, celsius in layers.items()
    ))  # fmt: skip
    yield from grouped("qsno below -100 C", "abort", (
        finding(f"{name} below -100 C", "abort", snow & (celsius < COLDEST), celsius)
        for name, celsius in layers.items()
    ))  # fmt: skip


def _tracers(restart: CiceRestart) -> Iterator[Finding]:
    ice, surface = restart["aicen"] > PUNY, restart["Tsfcn"]
    wrong = ice & ((surface > WARMEST_SURFACE) | (surface < COLDEST))
    yield finding("Tsfcn outside -100 to 0 C", "swallow", wrong, surface)
    for name in ("alvl", "vlvl"):
        if name in restart.values:
            wrong = ice & ((restart[name] < -PUNY) | (restart[name] > 1 + 1e-9))
            yield finding(f"{name} outside 0 to 1", "swallow", wrong, restart[name])


def _dynamics(restart: CiceRestart) -> Iterator[Finding]:
    ice = (restart["aicen"] > 0).any(axis=0)
    touched = _any_around(ice, after=1, before=0)
    speed = np.hypot(restart["uvel"], restart["vvel"])
    mask = restart["iceumask"]
    yield finding("drift above 2 m/s", "swallow", speed > MAX_SPEED, speed)
    yield finding("drift without ice", "swallow", (speed > 0) & ~touched, speed)
    yield finding("iceumask neither 0 nor 1", "swallow", (mask != 0) & (mask != 1), mask)
    yield finding("iceumask without ice", "swallow", (mask > 0) & ~touched, mask)
    near = _any_around(ice, after=1, before=1)
    yield from grouped("stress without ice", "abort", (
        finding(f"{name} without ice", "abort", (restart[name] != 0) & ~near, restart[name])
        for name in (*STRESSES, *OCEAN_STRESSES)
    ))  # fmt: skip


def _fields(restart: CiceRestart) -> Iterator[Finding]:
    """Limits so wide that only damage is outside."""
    yield from grouped("absurd values", "swallow", (
        finding(f"{name} absurd", "swallow", np.abs(values) > _most(name, values), values)
        for name, values in restart.values.items()
    ))  # fmt: skip
    if "sst" in restart.values:
        sst = restart["sst"]
        yield finding("sst outside -5 to 50 C", "swallow", (sst < -5) | (sst > 50), sst)


def _most(name: str, values: np.ndarray) -> float:
    if values.ndim == 3:
        return PLAUSIBLE_TRACER
    return PLAUSIBLE_STRESS if name in STRESSES else PLAUSIBLE


def _any_around(cells: np.ndarray, after: int, before: int) -> np.ndarray:
    """(nj, ni) bool: whether a cell up to `before` back or `after` ahead along i and j is set."""
    padded = np.pad(cells, ((before, after), (before, after)))
    nj, ni = cells.shape
    width = before + after + 1
    return np.logical_or.reduce(
        [padded[j : j + nj, i : i + ni] for j in range(width) for i in range(width)]
    )


def _per_area(volume: np.ndarray, area: np.ndarray, ice: np.ndarray) -> np.ndarray:
    return np.divide(volume, area, out=np.zeros_like(volume), where=ice)
