"""What an analysis must be, before anything is made of it."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt

from ..errors import DomainError, FieldError, InvalidValueError
from ..fields import DRIFT, FIELDS
from ..generator.projection import check_plausible, project
from ..grid import Grid
from ..state import State


def require_analysis(state: State, names: tuple[str, ...], grid: Grid) -> State:
    """The analysis with the fields `names`, in this order, and acceptable to a sea-ice model.

    FieldError for a field that it lacks, DomainError for another grid, InvalidValueError for ice
    or drift on land and for what is not finite or implausible.
    """
    require_fields(state.names, names)
    if state.grid.shape != grid.shape:
        raise DomainError(
            f"the analysis has {state.grid.shape[1]} x {state.grid.shape[0]} cells, the checkpoint "
            f"has {grid.shape[1]} x {grid.shape[0]}: give an analysis on the checkpoint's grid"
        )
    analysis = State(np.stack([state[name] for name in names]), names, grid)
    try:
        check_plausible(analysis)
    except InvalidValueError as error:
        raise InvalidValueError(f"the analysis is refused: {error}") from error
    _require_land(analysis)
    return project(analysis)[0]


def require_fields(names: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """FieldError unless an analysis has all the fields of the checkpoint."""
    missing = [name for name in needed if name not in names]
    if missing:
        raise FieldError(
            f"the analysis has no '{missing[0]}': the checkpoint needs {', '.join(needed)}; a host "
            "binds them all"
        )


def on_ocean(state: State, grid: Grid) -> State:
    """The state on `grid`, whose ocean may have more cells: these are as the nearest that both
    have, and no drift is there."""
    if (state.grid.mask == grid.mask).all():
        return State(state.values, state.names, grid)
    nearest = nearest_common(state.grid.mask, grid.mask)
    fields = [
        state[name] if name in DRIFT else np.where(grid.mask, state[name][tuple(nearest)], 0.0)
        for name in state.names
    ]
    return State(np.stack(fields), state.names, grid)


def nearest_common(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """(2, y, x): row and column of the nearest cell that is ocean in both masks (y, x)."""
    return distance_transform_edt(~(one & other), return_distances=False, return_indices=True)


def _require_land(analysis: State) -> None:
    for name in analysis.names:
        wrong = (analysis[name] != 0) & ~analysis.support(name)
        if wrong.any():
            j, i = np.argwhere(wrong)[0]
            raise InvalidValueError(
                f"the analysis has '{name}' = {analysis[name][j, i]:.6g}{FIELDS[name].unit_text} "
                f"on land at i={i + 1}, j={j + 1} and so at {wrong.sum()} points in all: give an "
                "analysis that is zero there"
            )
