"""`esm-coupler generate`: an ensemble into a CF NetCDF file or into restarts, resumable."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..atomic import require_output
from .arguments import Namelist, Overrides
from .member_store import MemberStore
from .progress import log_line, with_bar

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.generator import Generator
    from ..state import State


def generate(
    file: Namelist,
    sets: Overrides = [],  # noqa: B006 (typer reads it)
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="OUT.nc", help="Over ensemble_nml.output."),
    ] = None,
) -> None:
    """Generate an ensemble of sea-ice states; a run that was stopped goes on.

    \b
    Example:
      esm-coupler generate namelists/generate.nml --set ensemble_nml.members=8 --output march.nc
    """
    from ..config import read_namelist

    overrides = [*sets, *([f"ensemble_nml.output={output}"] if output is not None else [])]
    config = read_namelist(file, overrides)
    if config.ensemble.output_format != "netcdf":
        _restarts(config)
        return
    path = Path(config.ensemble.output)
    # before the work, not after it
    require_output(path, config.ensemble.overwrite, "set overwrite = .true. in &ensemble_nml")
    run(config, _load(config), path)
    typer.echo(f"wrote {path}: {config.ensemble.members} members of {config.ensemble.date}")


def run(config: Config, generator: Generator, path: Path) -> None:
    """Make the members that are not made yet and write them all; OutputError if that fails."""
    from ..state import Ensemble, parse_date

    first, day = config.ensemble.first_member, parse_date(config.ensemble.date)
    numbers = list(range(first, first + config.ensemble.members))
    provenance = generator.provenance(config.request(first))
    with MemberStore(path, {**provenance, "date": config.ensemble.date}) as store:
        states = [_state(n, config, generator, store) for n in with_bar(numbers, "members")]
        attributes = {**provenance, **_attributes(config)}
        ensemble = Ensemble.from_states(states, numbers, day, attributes)
        ensemble.to_netcdf(path, overwrite=config.ensemble.overwrite)
        store.remove()


def _restarts(config: Config) -> None:
    """Write the members as restarts of a host model."""
    from .restarts import Template, write_initial, write_restarts

    if config.ensemble.output_format == "si3_initial":
        folder = write_initial(config, _load(config))
    else:
        template = Template.read(config)  # before the work, not after it
        folder = write_restarts(config, template, _load(config))
    typer.echo(f"wrote {folder}: {config.ensemble.members} members of {config.ensemble.date}")


def _load(config: Config) -> Generator:
    from ..generator.generator import Generator

    return Generator.load(
        config.generator.checkpoint,
        device=config.generator.device,
        threads=config.coupler.threads,
        compile=config.generator.compile,
    )


def _state(number: int, config: Config, generator: Generator, store: MemberStore) -> State:
    """One member: from the store if it was made before, else made and stored."""
    from ..state import State

    values = store.load(number, (len(generator.names), *generator.grid.shape))
    if values is not None:
        log_line(f"member {number}: made before")
        return State(values, generator.names, generator.grid)
    sample = generator.sample(config.request(number))
    store.save(number, sample.state.values)
    out_of_bounds = sample.report.cells_out_of_bounds
    log_line(f"member {number}: {sample.seconds:.1f} s, {out_of_bounds} cells out of bounds")
    return sample.state


def _attributes(config: Config) -> dict[str, Any]:
    """What the run adds to the generator's own account of the origin."""
    import numpy

    return {
        "namelist": config.text,
        "namelist_overrides": "\n".join(config.overrides),
        "noise": "Philox, key (seed, realization), counter (draw, channel, date, cell)",
        "versions": f"python {platform.python_version()}, numpy {numpy.__version__}",
    }
