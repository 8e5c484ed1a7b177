"""The last thing that touches a number before it leaves: what no model would accept, mended.

Each rule says which cells break it and how they are mended. In this order one pass is enough:
later rules never break earlier ones. A mended value stays a relative `MARGIN` inside its limit,
so that it still does after rounding to real32. (A value that was not mended may lose its place on
a limit by such a rounding.) A state that breaks no rule comes back to the bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import InvalidValueError
from ..fields import DRIFT, FIELDS
from ..state import State

# Icepack's constants [kg m-3]
RHO_ICE, RHO_SNOW = 917.0, 330.0
MIN_CONCENTRATION = 1e-6
MIN_VOLUME = 1e-5  # m
MAX_ICE_THICKNESS = 20.0  # m of ice, sit / sic
MAX_SNOW_DEPTH = 4.0  # m of snow, snt / sic
MAX_SNOW_PER_ICE = 0.330  # (rho_water - rho_ice) / rho_snow: freeboard not below the water
MAX_DRIFT = 2.0  # m s-1
MARGIN = 1e-6


@dataclass(frozen=True)
class ProjectionReport:
    """violations: cells that broke each rule in the state that came in; cells_out_of_bounds: that
    broke any; cells_changed: in which at least one field differs afterwards."""

    violations: dict[str, int]
    cells_out_of_bounds: int
    cells_changed: int


@dataclass(frozen=True)
class Rule:
    """`broken(state)` gives the offending points (y, x); `mend(state, points)` works in place."""

    name: str
    broken: Callable[[State], np.ndarray]
    mend: Callable[[State, np.ndarray], None]


def project(state: State) -> tuple[State, ProjectionReport]:
    """The acceptable state next to `state`, and what had to change.

    InvalidValueError if any value is not finite or implausible: such a state is refused.
    """
    check_plausible(state)
    broken = {rule.name: rule.broken(state) for rule in RULES}
    result = State(state.values.copy(), state.names, state.grid)
    for rule in RULES:
        rule.mend(result, rule.broken(result))
    report = ProjectionReport(
        {name: int(points.sum()) for name, points in broken.items()},
        int(np.logical_or.reduce(list(broken.values())).sum()),
        int((result.values != state.values).any(axis=0).sum()),
    )
    return result, report


def check_plausible(state: State) -> None:
    """InvalidValueError with field, i, j (from 1) and value of the first value that is not finite
    or outside the plausible range of its field."""
    for name in state.names:
        low, high = FIELDS[name].plausible
        wrong = ~((state[name] >= low) & (state[name] <= high))  # catches NaN too
        if wrong.any():
            j, i = np.argwhere(wrong)[0]
            raise InvalidValueError(
                f"field '{name}' is {state[name][j, i]}{FIELDS[name].unit_text} at i={i + 1}, "
                f"j={j + 1} and so at {wrong.sum()} points in all: between {low} and {high} is "
                "plausible; it is refused, not clamped, so look for the fault that made it"
            )


def _off_support(state: State) -> np.ndarray:
    return np.logical_or.reduce([(state[n] != 0) & ~state.support(n) for n in state.names])


def _zero_off_support(state: State, points: np.ndarray) -> None:
    for name in state.names:
        state[name][points & ~state.support(name)] = 0.0


def _outside_bounds(state: State) -> np.ndarray:
    return np.logical_or.reduce(
        [(state[n] < FIELDS[n].lower) | (state[n] > FIELDS[n].upper) for n in state.names]
    )


def _clip(state: State, points: np.ndarray) -> None:
    for name in state.names:
        field = FIELDS[name]
        state[name][points] = state[name][points].clip(field.lower, field.upper)


def _tracers(state: State) -> list[str]:
    """What there is only where there is ice."""
    return [name for name in state.names if name not in DRIFT]


def _ice(state: State) -> np.ndarray:
    """Points where area and volume are both more than a remnant."""
    ice = np.ones(state.grid.shape, dtype=bool)
    for name, least in (("sic", MIN_CONCENTRATION), ("sit", MIN_VOLUME)):
        if name in state:
            ice &= state[name] >= least
    return ice


def _phantom(state: State) -> np.ndarray:
    some = np.logical_or.reduce([state[name] != 0 for name in _tracers(state)] or [False])
    return some & ~_ice(state)


def _remove_ice(state: State, points: np.ndarray) -> None:
    for name in _tracers(state):
        state[name][points] = 0.0


def _more_than(name: str, limit: float, per: str) -> Rule:
    """Rule: `name` is at most `limit` times `per`, which is at most 1 where it is not known."""

    def most(state: State) -> np.ndarray:
        return limit * (state[per] if per in state else np.ones(state.grid.shape))

    def broken(state: State) -> np.ndarray:
        if name not in state:
            return np.zeros(state.grid.shape, dtype=bool)
        return state[name] > most(state)

    def mend(state: State, points: np.ndarray) -> None:
        if points.any():
            state[name][points] = (1 - MARGIN) * most(state)[points]

    return Rule(f"{name} above {limit:g} {per}", broken, mend)


def _flooded(state: State) -> np.ndarray:
    if "snt" not in state or "sit" not in state:
        return np.zeros(state.grid.shape, dtype=bool)
    return state["snt"] > MAX_SNOW_PER_ICE * state["sit"]


def _flood(state: State, points: np.ndarray) -> None:
    """Turn the snow below the water line into ice of the same mass."""
    if not points.any():
        return
    snow, ice = state["snt"][points], state["sit"][points]
    ratio, density = (1 - MARGIN) * MAX_SNOW_PER_ICE, RHO_SNOW / RHO_ICE
    flooded = (snow - ratio * ice) / (1 + ratio * density)
    state["snt"][points] = snow - flooded
    state["sit"][points] = ice + density * flooded


def _drift_names(state: State) -> list[str]:
    return [name for name in DRIFT if name in state]


def _drift_without_ice(state: State) -> np.ndarray:
    names = _drift_names(state)
    if not names or not _tracers(state):
        return np.zeros(state.grid.shape, dtype=bool)
    moving = np.logical_or.reduce([state[name] != 0 for name in names])
    ice = np.logical_or.reduce([state[name] > 0 for name in _tracers(state)])
    return moving & ~state.grid.touched_by(ice)


def _stop_drift(state: State, points: np.ndarray) -> None:
    for name in _drift_names(state):
        state[name][points] = 0.0


def _speed(state: State) -> np.ndarray:
    return np.hypot.reduce([state[name] for name in _drift_names(state)])


def _too_fast(state: State) -> np.ndarray:
    if not _drift_names(state):
        return np.zeros(state.grid.shape, dtype=bool)
    return np.abs(_speed(state)) > MAX_DRIFT


def _slow_down(state: State, points: np.ndarray) -> None:
    if points.any():
        factor = (1 - MARGIN) * MAX_DRIFT / np.abs(_speed(state)[points])
        for name in _drift_names(state):
            state[name][points] *= factor


RULES = (
    Rule("not zero on land", _off_support, _zero_off_support),
    Rule("outside physical bounds", _outside_bounds, _clip),
    Rule("area without volume or volume without area", _phantom, _remove_ice),
    _more_than("sit", MAX_ICE_THICKNESS, per="sic"),
    _more_than("snt", MAX_SNOW_DEPTH, per="sic"),
    Rule("snow that floods the ice", _flooded, _flood),
    Rule("drift without ice", _drift_without_ice, _stop_drift),
    Rule("drift too fast", _too_fast, _slow_down),
)
