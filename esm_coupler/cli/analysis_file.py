"""States in a file that a namelist names: an analysis to perturb, the start of a forecast."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ConfigError, DataError, DomainError

if TYPE_CHECKING:
    import datetime

    import numpy as np

    from ..config import Config
    from ..generator.generator import Generator
    from ..grid import Grid
    from ..state import State


def analysis_of(config: Config, generator: Generator) -> State | None:
    """The analysis of the ensemble's date on the generator's grid; None if none is asked for.

    ConfigError without a file; RestartError, DataError and the errors of `require_analysis` for a
    file that has no such analysis.
    """
    from ..modes.analysis import require_analysis
    from ..state import parse_date

    if config.generator.mode != "perturb":
        return None
    ensemble = config.ensemble
    if not (ensemble.analysis or ensemble.template):
        raise ConfigError(
            "mode = 'perturb' in &generator_nml has no analysis: name its file with analysis in "
            "&ensemble_nml"
        )
    path, day = Path(ensemble.analysis or ensemble.template), parse_date(ensemble.date)
    state = _read(path, generator.grid, day)
    return require_analysis(state, generator.names, generator.grid)


def read_start(path: Path, grid: Grid, day: datetime.date) -> list[State]:
    """The states of that day: the members of an ensemble or forecast, of anything else one."""
    from ..verify.states_file import is_ensemble

    if os.path.isfile(path) and is_ensemble(path):
        return _of_ensemble(path, grid, day)
    return [_read(path, grid, day)]


def _read(path: Path, grid: Grid, day: datetime.date) -> State:
    """A restart by the names of its variables, an ensemble of ours by its members, of which it is
    the first, else what `esm-coupler prepare` reads."""
    from ..hosts.restart_models import is_restart, read_any
    from ..verify.states_file import is_ensemble

    if not os.path.isfile(path):
        raise DataError(
            f"{path} is no file: an analysis or a start is a restart, an ensemble, or what "
            "esm-coupler prepare reads"
        )
    if is_restart(path):
        model, restart = read_any(path)
        model.require(restart, grid, day)
        return model.aggregate(restart, grid)
    return _of_ensemble(path, grid, day)[0] if is_ensemble(path) else _of_series(path, grid, day)


def _of_ensemble(path: Path, grid: Grid, day: datetime.date) -> list[State]:
    from ..state import State
    from ..verify.states_file import read_states

    states = read_states(path, "f8")
    days = [str(date) for date in states.dates]
    _require_day(path, days, day)
    _require_grid(path, states.grid.mask, grid)
    of_day = [fields for fields, date in zip(states.fields, days, strict=True) if date == str(day)]
    return [State(fields, states.names, grid) for fields in of_day]


def _of_series(path: Path, grid: Grid, day: datetime.date) -> State:
    from ..hosts.series import open_series
    from ..state import State

    series = open_series([path])
    days = [str(d) for d in series.days]
    _require_day(path, days, day)
    _require_grid(path, series.mask, grid)
    index = days.index(str(day))
    values, _ = series.read(range(index, index + 1))
    return State(values[0].astype("f8"), series.names, grid)


def _require_day(path: Path, days: list[str], day: datetime.date) -> None:
    if str(day) not in days:
        raise DataError(
            f"{path} has no state of {day}, which date in &ensemble_nml asks for: it has "
            f"{days[0]} to {days[-1]}"
        )


def _require_grid(path: Path, mask: np.ndarray, grid: Grid) -> None:
    if mask.shape != grid.shape or (mask != grid.mask).any():
        raise DomainError(
            f"{path} has {mask.shape[1]} x {mask.shape[0]} cells, {mask.sum()} of them ocean, the "
            f"checkpoint has {grid.shape[1]} x {grid.shape[0]} and {grid.mask.sum()}: give an "
            "analysis on the checkpoint's grid"
        )
