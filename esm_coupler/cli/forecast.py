"""`esm-coupler forecast`: states a day forward, and again, into a CF NetCDF file."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import typer

from ..atomic import require_output, write_dataset
from ..errors import ConfigError, DataError
from .analysis_file import read_start
from .arguments import Namelist, OutputOverride, Overrides, overrides_of
from .progress import log_line, with_bar

if TYPE_CHECKING:
    import xarray

    from ..config import Config
    from ..generator.emulator import Emulator, Step
    from ..grid import Grid
    from ..state import State


def forecast(
    file: Namelist,
    sets: Overrides = [],  # noqa: B006 (typer reads it)
    output: OutputOverride = None,
) -> None:
    """Take sea-ice states forward with the emulator, under a given forcing.

    \b
    Example:
      esm-coupler forecast namelists/forecast.nml --set forecast_nml.n_days=5 --output march.nc
    """
    from ..config import read_namelist
    from ..generator.emulator import Emulator
    from ..state import parse_date

    config = read_namelist(file, overrides_of(sets, output))
    path, day = Path(config.ensemble.output), parse_date(config.ensemble.date)
    require_output(path, config.ensemble.overwrite, "set overwrite = .true. in &ensemble_nml")
    _require_files(config)
    emulator = Emulator.load(
        config.forecast.checkpoint, config.generator.device, config.coupler.threads
    )
    start = read_start(Path(config.forecast.initial), emulator.grid, day)
    forcing = _forcing(config, emulator.grid, day)
    dataset = _run(config, emulator, start, forcing, day)
    write_dataset(dataset, path, overwrite=config.ensemble.overwrite)
    members, n_days = config.ensemble.members, config.forecast.n_days
    typer.echo(f"wrote {path}: {members} members, {n_days} days from {day}")


def _require_files(config: Config) -> None:
    for name in ("initial", "forcing"):
        if not getattr(config.forecast, name):
            raise ConfigError(f"{name} is missing in &forecast_nml of {config.source}: name a file")


def _forcing(config: Config, grid: Grid, first: datetime.date) -> np.ndarray:
    """(day, 3, y, x) of the first day and of all that follow; DataError names a day that the file
    lacks, or a gap in it. A 29 February that a calendar of 365 days lacks is as the day before."""
    from ..hosts.forcing import read_forcing
    from ..modes.forecast import day_after

    path = Path(config.forecast.forcing)
    days, values = read_forcing(path, grid)
    known = {str(day): index for index, day in enumerate(days)}
    chosen = []
    for number in range(config.forecast.n_days + 1):
        day = str(day_after(first, number))
        if day not in known and day.endswith("02-29"):
            day = day.replace("02-29", "02-28")
        if day not in known:
            raise DataError(
                f"{path} has no forcing of {day}: it has {days[0]} to {days[-1]}; a forecast of "
                f"{config.forecast.n_days} days from {first} needs each day from the first to the "
                "last"
            )
        chosen.append(known[day])
    return values[chosen]


def _run(
    config: Config, emulator: Emulator, start: Sequence[State], forcing: np.ndarray,
    first: datetime.date,
) -> xarray.Dataset:  # fmt: skip
    """The dataset (realization, time, y, x), with the start as its first time."""
    from ..modes.analysis import require_analysis
    from ..modes.forecast import forecast as go_forward

    options, ensemble = config.forecast, config.ensemble
    numbers = range(ensemble.first_member, ensemble.first_member + ensemble.members)
    accepted = [require_analysis(state, emulator.names, emulator.grid) for state in start]
    states = [accepted[(number - 1) % len(accepted)] for number in numbers]
    kept, leads, budgets = [states], [0], []
    for lead in with_bar(range(1, options.n_days + 1), "days"):
        day = first + datetime.timedelta(days=lead - 1)
        (steps,) = go_forward(
            emulator, states, forcing[lead - 1 : lead + 1], day, numbers, ensemble.seed,
            options.conserve, options.batch_members,
        )  # fmt: skip
        states = [step.state for step in steps]
        budgets.append(steps)
        if lead % options.output_every == 0 or lead == options.n_days:
            kept.append(states)
            leads.append(lead)
            log_line(f"day {lead}: {sum(step.seconds for step in steps):.2f} s")
    return _dataset(config, emulator, kept, leads, budgets, first)


def _dataset(
    config: Config, emulator: Emulator, kept: Sequence[Sequence[State]], leads: Sequence[int],
    budgets: Sequence[Sequence[Step]], first: datetime.date,
) -> xarray.Dataset:  # fmt: skip
    import xarray

    from ..state import TIME, members_dataset

    first_member = config.ensemble.first_member
    numbers = range(first_member, first_member + config.ensemble.members)
    parts = [
        members_dataset(
            np.stack([state.values for state in states]), emulator.names, numbers, emulator.grid
        )
        for states in kept
    ]
    dataset = xarray.concat(
        parts, "time", data_vars=list(emulator.names), coords="minimal", compat="override"
    ).transpose("realization", "time", "y", "x")
    origin = (first - datetime.date(1970, 1, 1)).days
    dataset["time"] = ("time", origin + np.array(leads, "i4"), TIME)
    dataset["lead"] = ("time", np.array(leads, "i4"), {
        "standard_name": "forecast_period", "units": "days"})  # fmt: skip
    _add_budget(dataset, budgets, leads)
    dataset.attrs |= emulator.provenance(config.ensemble.seed, config.forecast.conserve)
    dataset.attrs |= {
        "namelist": config.text, "namelist_overrides": "\n".join(config.overrides),
        "initial": config.forecast.initial, "forcing": config.forecast.forcing,
    }  # fmt: skip
    return dataset


def _add_budget(
    dataset: xarray.Dataset, steps: Sequence[Sequence[Step]], leads: Sequence[int]
) -> None:
    """Sums over the ocean since the output before, for each member."""
    totals = {"sic": ("area", "m2"), "sit": ("ice volume", "m3"), "snt": ("snow volume", "m3")}
    for index, (name, (what, units)) in enumerate(totals.items()):
        for part in ("change", "transport", "source", "mended"):
            daily = np.array([[getattr(s.budget, part)[index] for s in day] for day in steps])
            since = np.concatenate([np.zeros((1, daily.shape[1])), daily.cumsum(axis=0)])[leads]
            values = np.diff(since, axis=0, prepend=since[:1])
            attributes: dict[str, Any] = {
                "units": units, "long_name": f"{what}: {part} since the time before, whole ocean"
            }
            dataset[f"{name}_{part}"] = (("realization", "time"), values.T, attributes)
