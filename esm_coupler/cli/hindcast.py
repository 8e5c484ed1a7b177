"""`esm-coupler hindcast`: the emulator's forecasts of a known year, scored beside their rivals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from ..atomic import replace_file, write_atomically
from ..errors import ConfigError, FieldError
from .hindcast_store import HindcastStore
from .progress import log_line, with_lines

if TYPE_CHECKING:
    from ..generator.emulator import Emulator
    from ..grid import Grid
    from ..verify.hindcast import Year
    from ..verify.states import States


def hindcast(
    data: Annotated[
        Path, typer.Option(metavar="FOLDER", help="A file *YYYY*.nc of states and forcing a year.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="For scores and pictures.")
    ],
    year: Annotated[int, typer.Option(help="That the emulator has not seen, such as 1991.")],
    training_years: Annotated[
        str, typer.Option(metavar="YEAR,YEAR,...", help="For climatology and damping.")
    ],
    checkpoint: Annotated[str, typer.Option(help="The emulator.")] = "emulator",
    twin: Annotated[
        str | None, typer.Option(metavar="CHECKPOINT", help="An emulator without noise.")
    ] = None,
    physics: Annotated[
        list[Path],
        typer.Option(metavar="FILE.nc", help="What the reference host wrote; repeated."),
    ] = [],  # noqa: B006 (typer reads it)
    starts: Annotated[int, typer.Option(min=1, help="Days to start from, over the year.")] = 24,
    members: Annotated[int, typer.Option(min=2, help="Members of a forecast.")] = 10,
    leads: Annotated[str, typer.Option(metavar="DAY,DAY,...", help="Scored.")] = "1,3,7,15,30",
    free_run: Annotated[
        bool, typer.Option("--free-run", help="And go through the whole year at once.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of the members.")] = 1,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
) -> None:  # fmt: skip
    """Forecast from many days of a known year, and score members, ice edge and spectra beside
    persistence, damped persistence, climatology, and a deterministic twin.

    The folder gets table.md, scores.json and pictures. What is done of each start is kept there, so
    that a run that was stopped goes on.

    \b
    Example:
      esm-coupler hindcast --data cice_arctic --training-years 1984,1985,1986 --year 1991
                           --twin twin.safetensors --free-run --output scores
    """
    from ..generator.emulator import Emulator
    from ..verify.hindcast import EMULATOR, TWIN

    days, years = _numbers(leads, "leads"), _numbers(training_years, "training-years")
    if year in years:
        raise ConfigError(f"--year {year} is one of --training-years: score a year held back")
    emulators = {EMULATOR: (Emulator.load(checkpoint, device, threads), members)}
    if twin is not None:
        emulators[TWIN] = (Emulator.load(twin, device, threads), 1)
        _require_same_grid(*(one for one, _ in emulators.values()))
    about = {
        "year": year, "training_years": years, "members": members, "leads": days, "seed": seed,
        "checkpoints": {name: e.checkpoint_sha256 for name, (e, _) in emulators.items()},
    }  # fmt: skip
    store = HindcastStore(output, about)
    grid = emulators[EMULATOR][0].grid
    known, training = _read_year(data, year, grid), _read_training(data, years, grid)
    results, maps = _hindcasts(store, emulators, known, training, starts, days, physics)
    if free_run:
        results["free_run"] = _free_run(store, emulators[EMULATOR][0], known, training)
    results["about"] |= about
    _write(output, results, maps, grid)


def _require_same_grid(emulator: Emulator, twin: Emulator) -> None:
    if twin.grid.mask_hash != emulator.grid.mask_hash:
        raise ConfigError(
            f"--twin has another ocean mask than --checkpoint, {twin.grid.shape} cells and "
            f"{emulator.grid.shape}: give one that was trained on the same files"
        )


def _numbers(text: str, option: str) -> list[int]:
    """Whole numbers from 1, in order; ConfigError for anything else."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise ConfigError(
            f"--{option} is '{text}': give whole numbers above 0, with commas between them"
        )
    return sorted({int(part) for part in parts})


def _file(folder: Path, year: int) -> Path:
    from ..training.data import file_of

    return file_of(folder, year, "--data", "--year and --training-years")


def _states(paths: list[Path], grid: Grid) -> States:
    from ..generator.emulator import NAMES
    from ..verify.states_file import read_states

    states = read_states(paths)
    if states.grid.mask_hash != grid.mask_hash:
        raise FieldError(
            f"{paths[0]} has another ocean mask than the emulator, {states.grid.shape} cells and "
            f"{grid.shape}: give files of the grid that it was trained on"
        )
    missing = [name for name in NAMES if name not in states]
    if missing:
        raise FieldError(f"{paths[0]} has no '{missing[0]}': an emulator needs {', '.join(NAMES)}")
    return states.of_names(NAMES)


def _read_year(data: Path, year: int, grid: Grid) -> Year:
    from ..hosts.forcing import read_forcing
    from ..verify.hindcast import Year

    path = _file(data, year)
    return Year(_states([path], grid), read_forcing(path, grid)[1])


def _read_training(data: Path, years: list[int], grid: Grid) -> States:
    return _states([_file(data, year) for year in years], grid)


def _hindcasts(
    store: HindcastStore, emulators: dict[str, tuple[Emulator, int]], year: Year,
    training: States, n_starts: int, leads: list[int], physics: list[Path],
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:  # fmt: skip
    """The summary of all starts, and the maps of the one in the middle."""
    from ..verify.forecast_physics import score_physics
    from ..verify.forecast_table import summary
    from ..verify.hindcast import Rivals, hindcast
    from ..verify.spectra import spectral_names

    chosen = year.starts(n_starts, max(leads))
    measured = score_physics(physics, year.states)
    rivals = Rivals.of(training, leads)
    drawn = int(chosen[len(chosen) // 2])
    seed = store.about["seed"]
    for start in with_lines(chosen.tolist(), "starts"):
        date = str(year.states.dates[start])
        if not store.has(date):
            made = hindcast(emulators, year, start, leads, rivals, seed)
            sic_and_sit = made.last[:, :2]
            store.save(date, {"scores": made.scores, "power": made.power}, sic_and_sit)
    dates = [str(year.states.dates[start]) for start in chosen]
    results = summary([store.load(date) for date in dates], measured)
    day = drawn + max(leads)
    results["about"] = {
        "starts": dates, "spectral_names": list(spectral_names(training.names)),
        "map": f"{max(leads)} days from {year.states.dates[drawn]}: {year.states.dates[day]}",
        "physics": [path.name for path in physics],
    }  # fmt: skip
    members = store.members(str(year.states.dates[drawn]))
    return results, {"members": members, "truth": year.states.fields[day]}


def _free_run(
    store: HindcastStore, emulator: Emulator, year: Year, training: States
) -> dict[str, Any]:
    from ..verify.free_run import free_run, judge

    run, about = store.free_run(), store.about
    for run in free_run(emulator, year, about["members"], about["seed"], run):
        store.save_free_run(run)
        log_line(f"free run: {run.days} of {len(year.states) - 1} days")
    return judge(run, year, training)


def _write(
    output: Path, results: dict[str, Any], maps: dict[str, np.ndarray], grid: Grid
) -> None:
    from ..verify.forecast_pictures import pictures
    from ..verify.forecast_table import document

    text = document(results)
    replace_file(output / "table.md", text.encode())
    content = json.dumps(results, indent=2, ensure_ascii=False, allow_nan=False)
    replace_file(output / "scores.json", (content + "\n").encode())
    for name, figure in pictures(results, maps, grid):
        write_atomically(
            output / f"{name}.png",
            lambda part, figure=figure: figure.savefig(part, dpi=110, format="png"),
        )
    typer.echo(text)
    typer.echo(f"wrote {output}/table.md, scores.json and pictures")
