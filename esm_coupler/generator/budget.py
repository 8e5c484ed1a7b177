"""The budget of a step: by what area, ice volume and snow volume changed, and why.

change = transport + source + mended, each summed over the ocean. Upstream transport moves and makes
nothing: its sum is zero but for round-off. The source is growth, melt and ridging as the network
has it; it takes no more than there is, and no more area than a cell. What the other bounds cut off
or add, such as snow that its ice can't float, is mended: it is of no physics, and with
`conserve = .true.` it is given back over all ice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import GeneratedStateError
from ..state import State
from .projection import MARGIN, MAX_ICE_THICKNESS, MAX_SNOW_DEPTH, MAX_SNOW_PER_ICE, project

TRACERS = ("sic", "sit", "snt")  # sums are of area, ice volume and snow volume
TOLERANCE = 1e-12  # of the total, to which a budget closes and `give_back` conserves
ROUNDS = 20


@dataclass(frozen=True)
class Budget:
    """Sums over the ocean of (area [m2], ice volume [m3], snow volume [m3])."""

    change: tuple[float, float, float]
    transport: tuple[float, float, float]
    source: tuple[float, float, float]
    mended: tuple[float, float, float]

    @property
    def residual(self) -> tuple[float, ...]:
        """What is left of the change: round-off."""
        parts = zip(self.change, self.transport, self.source, self.mended, strict=True)
        return tuple(change - (carried + made + mended) for change, carried, made, mended in parts)


def budget_of(before: State, after: State, carried: np.ndarray, free: np.ndarray) -> Budget:
    """carried, free (3, y, x): what transport changed, and what would be there without bounds."""
    old, new = _tracers(before), _tracers(after)
    asked = _asked(free)
    parts = (new - old, carried, asked - old - carried, new - asked)
    sums = [tuple(float(x) for x in _sums(part, after)) for part in parts]
    return Budget(*sums)


def give_back(state: State, free: np.ndarray) -> State:
    """The state with as much ice and snow volume in all as the step asked for: what bounds cut off
    is spread over the ice that has room, what they added is taken from the ice that has more than
    it needs. GeneratedStateError if there is no such ice."""
    asked = _sums(_asked(free), state)
    result = State(state.values.copy(), state.names, state.grid)
    for name, goal in zip(TRACERS[1:], asked[1:], strict=True):
        _spread(result, name, goal)
    return project(result)[0]


def _spread(state: State, name: str, goal: float) -> None:
    area, field = state.grid.cell_area, state[name]
    for _ in range(ROUNDS):
        missing = goal - float((area * field).sum())
        if abs(missing) <= 0.1 * TOLERANCE * max(goal, 1.0):
            return
        low, high = _limits(state, name)
        room = (high - field if missing > 0 else field - low).clip(min=0)
        there = float((area * room).sum())
        if there < abs(missing):
            raise GeneratedStateError(
                f"conserve = .true.: {missing:.6g} m3 of '{name}' find no room in the ice that "
                "there is; set conserve = .false."
            )
        field += room * (missing / there)


def _limits(state: State, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Least and most volume that each cell may have [m], with a margin."""
    sic, ice = state["sic"], state["sic"] > 0
    inside = 1 - 2 * MARGIN
    if name == "sit":  # its snow must go on floating
        least = np.maximum(0.05 * sic, state["snt"] / (MAX_SNOW_PER_ICE * inside))
        most = MAX_ICE_THICKNESS * inside * sic
    else:
        least = np.zeros_like(sic)
        most = np.minimum(MAX_SNOW_DEPTH * sic, MAX_SNOW_PER_ICE * state["sit"]) * inside
    field = state[name]
    return np.where(ice, np.minimum(least, field), field), np.where(ice, most, field)


def _asked(free: np.ndarray) -> np.ndarray:
    """What the step asked for: no more melt than there is ice, no more area than a cell."""
    asked = free.clip(min=0)
    asked[0] = asked[0].clip(max=1)
    return asked


def _tracers(state: State) -> np.ndarray:
    return np.stack([state[name] for name in TRACERS])


def _sums(fields: np.ndarray, state: State) -> np.ndarray:
    return (fields * (state.grid.cell_area * state.grid.mask)).sum(axis=(1, 2))
