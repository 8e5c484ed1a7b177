"""`esm-coupler twin`: perturbed ensembles whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .evaluate import SAMPLE_REFERENCE, SAMPLE_TRAINING, show
from .progress import with_bar

if TYPE_CHECKING:
    from ..verify.states import States

Years = Annotated[
    list[Path],
    typer.Option("--training", metavar="FILE.nc", help="States that errors are made of; repeated."),
]  # fmt: skip


def twin(
    truth: Annotated[
        Path, typer.Option(metavar="FILE.nc", help="A year that the generator has not seen.")
    ] = SAMPLE_REFERENCE,
    training: Years = [],  # noqa: B006 (typer reads it)
    days: Annotated[int, typer.Option(min=1, help="Days of the truth, around its year.")] = 12,
    members: Annotated[
        int, typer.Option(min=2, help="Members of each ensemble, an even number.")
    ] = 20,
    share: Annotated[
        float, typer.Option(min=0.01, max=1, help="Of the difference between years, the error.")
    ] = 0.5,
    window: Annotated[int, typer.Option(min=1, help="Calendar days around a day.")] = 10,
    noise_level: Annotated[
        float,
        typer.Option(
            min=0, max=80,
            help="Level of the noise. Errors are of differences between years, and a high level "
            "has their covariances; 0 finds a lower one, of about their size.",
        ),
    ] = 5.0,
    checkpoint: Annotated[str, typer.Option(help="The generator.")] = "default",
    sampler: Annotated[str, typer.Option(help="heun, dpm or stochastic.")] = "dpm",
    seed: Annotated[int, typer.Option(min=0, help="Of errors and members.")] = 1,
) -> None:  # fmt: skip
    """Put an error of known size on days of a truth, perturb what comes out, and see whether the
    ensemble's spread is its error and its intervals hold the truth.

    \b
    Example:
      esm-coupler twin --truth cice_1991.nc --training cice_1989.nc --training cice_1990.nc
    """
    from ..generator.generator import Generator
    from ..verify.states_file import read_states
    from ..verify.twin import Errors, twins
    from ..verify.twin_table import Twin, twin_table

    generator = Generator.load(checkpoint)
    errors = Errors(generator, read_states(training or [SAMPLE_TRAINING]), share, window)
    truths = _around_the_year(read_states(truth), days)
    level: dict[str, Any] = {"noise_level": noise_level, "sampler": sampler}
    results = []
    runs = twins(generator, truths, errors, members, seed, level)
    for index in with_bar(list(range(len(truths))), "days"):
        _, ensemble = next(runs)
        results.append(Twin.of(ensemble, truths, index))
    show(twin_table(results))


def _around_the_year(states: States, days: int) -> States:
    """So many of the states, evenly."""
    import numpy as np

    chosen = np.unique((np.arange(days) + 0.5) * len(states) / days).astype(int)
    return states.subset(chosen[chosen < len(states)])
