"""The models that restarts are written for: what each does, under one set of names."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import RestartError
from ..grid import Grid
from ..state import State
from . import cice_checks, cice_columns, cice_restart, nextsim_restart, si3_restart
from .acceptance import Finding
from .category_bounds import category_bounds
from .restart_file import RestartFile, read_restart

POINTER_LENGTH = 256  # char_len_long of CICE: a longer path would be cut


@dataclass(frozen=True)
class RestartModel:
    """One model. A `restart` is what its `read` gives, and has a `file`.

    checks(restart, kcatbound or None); require(restart, grid, date) raises RestartError;
    aggregate(restart, grid) is its own state, drift where the grid has it; with_state(restart,
    state, kcatbound) gives the variables that change; name(restart) is the file's name, `drift`
    its variables, and `pointer`, if any, the file that names it.
    """

    read: Callable[[Path], Any]
    checks: Callable[[Any, int | None], list[Finding]]
    require: Callable[[Any, Grid, datetime.date], None]
    aggregate: Callable[[Any, Grid], State]
    with_state: Callable[[Any, State, int], Mapping[str, np.ndarray]]
    name: Callable[[Any], str]
    drift: tuple[str, str]
    pointer: str = ""

    def member(
        self, restart: Any, state: State, kcatbound: int, analysis: State | None
    ) -> dict[str, np.ndarray]:
        """The variables that change; for a state around `analysis`, the restart's own one, drift
        keeps what the way to the grid of the state and back takes from it."""
        values = dict(self.with_state(restart, state, kcatbound))
        if analysis is None:
            return values
        there_and_back = self.with_state(restart, analysis, kcatbound)
        for name in set(self.drift) & values.keys() & there_and_back.keys():
            lost = restart.file.values[name] - there_and_back[name]
            values[name] = np.where(values[name] != 0, values[name] + lost, 0.0)
        return values


def require_acceptable(file: RestartFile, findings: list[Finding]) -> None:
    """RestartError with the first finding that its model would not accept."""
    for found in findings:
        if found.fatal:
            raise RestartError(
                f"{file.path} is no restart that its model accepts: {found}; esm-coupler check "
                "lists all"
            )


def require_date(file: RestartFile, found: tuple[int, ...], wanted: datetime.date) -> None:
    """RestartError unless the restart is of the date that is wanted."""
    if found[:3] != (wanted.year, wanted.month, wanted.day):
        of = "-".join(f"{number:02d}" for number in found[:3])
        raise RestartError(
            f"{file.path} is of {of}, and date in &ensemble_nml is {wanted}: give a restart of "
            "that date, or another date"
        )


def require_shape(file: RestartFile, shape: tuple[int, int], grid: Grid) -> None:
    """RestartError unless the restart's grid has the shape (y, x) of `grid`."""
    if shape != grid.shape:
        raise RestartError(
            f"{file.path} has {shape[1]} x {shape[0]} cells, the checkpoint has {grid.shape[1]} x "
            f"{grid.shape[0]}: give a restart of the checkpoint's grid"
        )


def require_mask(file: RestartFile, ocean: np.ndarray, grid: Grid) -> None:
    """RestartError unless the restart's ocean (y, x) is the grid's."""
    wrong = ocean != grid.mask
    if wrong.any():
        j, i = np.argwhere(wrong)[0]
        raise RestartError(
            f"{file.path} has its coast elsewhere than the checkpoint at {wrong.sum()} cells, the "
            f"first at i={i + 1}, j={j + 1}: give a restart of the checkpoint's grid"
        )


def _require_cice(
    restart: cice_restart.CiceRestart, grid: Grid, date: datetime.date
) -> None:
    inside = cice_columns.interior(restart, grid)
    require_date(restart.file, restart.date, date)
    require_mask(restart.file, restart.ocean[inside], grid)


def _cice_values(
    restart: cice_restart.CiceRestart, state: State, kcatbound: int
) -> Mapping[str, np.ndarray]:
    bounds = category_bounds(restart.n_categories, kcatbound)
    return cice_columns.with_state(restart, state, bounds)


def _cice_name(restart: cice_restart.CiceRestart) -> str:
    year, month, day, seconds = restart.date
    return f"iced.{year:04d}-{month:02d}-{day:02d}-{seconds:05d}.nc"


def _require_nextsim(
    restart: nextsim_restart.NextsimRestart, grid: Grid, date: datetime.date
) -> None:
    require_shape(restart.file, restart.shape, grid)
    require_date(restart.file, restart.date, date)
    require_mask(restart.file, restart.ocean, grid)


def _require_si3(restart: si3_restart.Si3Restart, grid: Grid, date: datetime.date) -> None:
    """Its restart has no date: NEMO's own restart beside it has."""
    si3_restart.require_ice(restart)
    require_shape(restart.file, restart.shape, grid)
    require_mask(restart.file, restart.ocean, grid)


MODELS: dict[str, RestartModel] = {
    "cice": RestartModel(
        cice_restart.read_cice_restart, cice_checks.checks, _require_cice, cice_columns.aggregate,
        _cice_values, _cice_name, ("uvel", "vvel"), "ice.restart_file",
    ),
    "nextsim": RestartModel(
        nextsim_restart.read_nextsim_restart, nextsim_restart.checks, _require_nextsim,
        nextsim_restart.aggregate_on, nextsim_restart.with_state,
        lambda restart: restart.file.path.name, ("data/u", "data/v"),
    ),
    "si3": RestartModel(
        si3_restart.read_si3_restart, si3_restart.checks, _require_si3, si3_restart.aggregate_on,
        si3_restart.with_state, lambda restart: restart.file.path.name, ("u_ice", "v_ice"),
    ),
}  # fmt: skip
# the variable that tells a model's restart
_MARKS = {"cice": "aicen", "nextsim": "data/hice", "si3": "a_i"}


def is_restart(path: Path) -> bool:
    """Whether a NetCDF file has the variable that tells the restart of a model; False too for a
    file that cannot be read."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as dataset:
            groups = {"": dataset, **dataset.groups}
            marks = (mark.rpartition("/") for mark in _MARKS.values())
            return any(group in groups and name in groups[group].variables
                       for group, _, name in marks)  # fmt: skip
    except (OSError, RuntimeError, ValueError, UnicodeError):
        return False


def read_any(path: Path) -> tuple[RestartModel, Any]:
    """The model that a restart is of, by the names of its variables, and the restart as read.

    RestartError if it cannot be read or is of no model that is known.
    """
    names = set(read_restart(path).values)
    for name, mark in _MARKS.items():
        if mark in names:
            return MODELS[name], MODELS[name].read(path)
    raise RestartError(
        f"{path} is a restart of no model that is known: it has none of "
        f"{', '.join(repr(mark) for mark in _MARKS.values())}"
    )
