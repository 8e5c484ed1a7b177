"""`esm-coupler generate`: an ensemble into a CF NetCDF file or into restarts, resumable."""

from __future__ import annotations

import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..atomic import require_output
from ..errors import ConfigError, EsmCouplerError
from .analysis_file import analysis_of
from .arguments import Namelist, OutputOverride, Overrides, overrides_of
from .helpers import Helpers
from .member_store import MemberStore
from .progress import log_line, with_bar

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.generator import Generator
    from ..state import State


def generate(
    file: Namelist,
    sets: Overrides = [],  # noqa: B006 (typer reads it)
    output: OutputOverride = None,
    processes: Annotated[
        int,
        typer.Option(min=1, help="Processes that share the members, on the GPUs that there are."),
    ] = 1,
) -> None:
    """Generate an ensemble of sea-ice states; a run that was stopped goes on.

    \b
    Example:
      esm-coupler generate namelists/generate.nml --set ensemble_nml.members=8 --output march.nc
    """
    from ..config import read_namelist

    config = read_namelist(file, overrides_of(sets, output))
    if config.ensemble.output_format != "netcdf":
        if processes > 1:
            raise ConfigError(
                f"--processes is {processes}: restarts are made by one process; run several "
                "commands with a first_member and members of their own"
            )
        _restarts(config)
        return
    if processes > 1 and config.generator.mode == "perturb":
        raise ConfigError(
            f"--processes is {processes}: mode = 'perturb' is run by one process; run several "
            "commands with a first_member and members of their own"
        )
    path = Path(config.ensemble.output)
    # before the work, not after it
    require_output(path, config.ensemble.overwrite, "set overwrite = .true. in &ensemble_nml")
    run(config, _load(config, gpu=0 if processes > 1 else None), path, processes)
    typer.echo(f"wrote {path}: {config.ensemble.members} members of {config.ensemble.date}")


def run(config: Config, generator: Generator, path: Path, processes: int = 1) -> None:
    """Make the members that are not made yet and write them all; OutputError if that fails."""
    from ..generator.generator import batches
    from ..state import Ensemble, parse_date

    first, size = config.ensemble.first_member, config.generator.batch_members
    numbers = list(range(first, first + config.ensemble.members))
    shares = [numbers[start::processes] for start in range(processes)]
    others = sorted(set(numbers).difference(shares[0]))
    states: dict[int, State] = {}
    analysis = analysis_of(config, generator)
    origin = generator.provenance(config.request(first, analysis=analysis), size)
    with (
        _store(config, origin, path) as store,
        Helpers(
            _make_share, shares[1:], config.text, config.source, config.overrides, path
        ) as helpers,
    ):
        for some in with_bar(batches(shares[0], size) + batches(others, size), "members"):
            if some[0] in others:
                helpers.wait()
            states |= _states(some, config, generator, store, analysis)
        day = parse_date(config.ensemble.date)
        attributes = {**origin, **_attributes(config)}
        in_order = [states[number] for number in numbers]
        ensemble = Ensemble.from_states(in_order, numbers, day, attributes)
        ensemble.to_netcdf(path, overwrite=config.ensemble.overwrite)
        store.remove()


def _store(config: Config, origin: dict[str, Any], path: Path) -> MemberStore:
    return MemberStore(path, {**origin, "date": config.ensemble.date})


def _make_share(
    number: int, share: list[int], text: str, source: str, overrides: tuple[str, ...], path: Path
) -> None:
    """In a process of its own: members into the store of an ensemble. What cannot be made is tried
    again, and told, by the first process."""
    from ..config import parse_namelist
    from ..generator.generator import batches

    config = parse_namelist(text, source, overrides)
    try:
        generator = _load(config, gpu=number)
        first, size = config.ensemble.first_member, config.generator.batch_members
        origin = generator.provenance(config.request(first), size)
        with _store(config, origin, path) as store:
            for some in batches(share, size):
                _states(some, config, generator, store)
    except (EsmCouplerError, OSError):
        sys.exit(1)


def _restarts(config: Config) -> None:
    """Write the members as restarts of a host model."""
    from .restarts import Template, write_initial, write_restarts

    if config.ensemble.output_format == "si3_initial":
        folder = write_initial(config, _load(config))
    else:
        template = Template.read(config)  # before the work, not after it
        folder = write_restarts(config, template, _load(config))
    typer.echo(f"wrote {folder}: {config.ensemble.members} members of {config.ensemble.date}")


def _load(config: Config, gpu: int | None = None) -> Generator:
    """On the GPU of this number, modulo how many there are, if there is any."""
    import torch

    from ..generator.device import select_device
    from ..generator.generator import Generator

    options, count = config.generator, torch.cuda.device_count()
    device = select_device(options.device, gpu % count if gpu is not None and count else None)
    if device.index is not None:
        torch.cuda.set_device(device)
    return Generator.load(
        options.checkpoint, device, config.coupler.threads, options.compile, options.precision,
        options.cuda_graph,
    )  # fmt: skip


def _states(
    numbers: Sequence[int], config: Config, generator: Generator, store: MemberStore,
    analysis: State | None = None,
) -> dict[int, State]:  # fmt: skip
    """Members by number, around an analysis if there is one, from the store if they were made
    before, else made together and stored."""
    from ..state import State

    shape = len(generator.names), *generator.grid.shape
    found = {number: store.load(number, shape) for number in numbers}
    states = {
        number: State(values, generator.names, generator.grid)
        for number, values in found.items()
        if values is not None
    }
    for number in states:
        log_line(f"member {number}: made before")
    missing = [number for number in numbers if number not in states]
    requests = [config.request(number, analysis=analysis) for number in missing]
    samples = generator.samples(requests) if missing else []
    for number, sample in zip(missing, samples, strict=True):
        store.save(number, sample.state.values)
        out_of_bounds = sample.report.cells_out_of_bounds
        log_line(f"member {number}: {sample.seconds:.1f} s, {out_of_bounds} cells out of bounds")
        states[number] = sample.state
    return states


def _attributes(config: Config) -> dict[str, Any]:
    """What the run adds to the generator's own account of the origin."""
    import numpy

    return {
        "namelist": config.text,
        "namelist_overrides": "\n".join(config.overrides),
        "noise": "Philox, key (seed, realization), counter (draw, channel, date, cell)",
        "versions": f"python {platform.python_version()}, numpy {numpy.__version__}",
    }
