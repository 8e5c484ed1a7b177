"""`esm-coupler experiment`: generators and cheap rivals, scored alike in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..atomic import replace_file
from ..errors import ConfigError
from .member_store import MemberStore
from .progress import log_line, with_lines

if TYPE_CHECKING:
    from ..generator.generator import Generator
    from ..verify.experiment import Drawn
    from ..verify.states import States

Several = Annotated[list[Path], typer.Option(metavar="FILE.nc", help="Can be repeated.")]


def experiment(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Folder of generator checkpoints, one a row.")
    ],
    training: Annotated[
        list[Path],
        typer.Option("--training", metavar="FILE.nc", help="A year that they learned from."),
    ],
    reference: Annotated[
        list[Path], typer.Option("--reference", metavar="FILE.nc", help="A year held back.")
    ],
    states: Annotated[int, typer.Option(min=8, help="States of each row, around the year.")] = 300,
    sampler: Annotated[str, typer.Option(help="heun, dpm or stochastic.")] = "dpm",
    n_steps: Annotated[int, typer.Option(min=1, help="Steps of the sampler.")] = 20,
    refine_steps: Annotated[int, typer.Option(min=1, help="Steps for the detail.")] = 5,
    sigma_max: Annotated[
        float | None, typer.Option(min=1, help="Highest noise level, if not 80.")
    ] = None,
    only: Annotated[
        list[str], typer.Option(help="Rows to make; all if none is named.")
    ] = [],  # noqa: B006 (typer reads it)
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
) -> None:  # fmt: skip
    """Generate states with every generator of a folder and with the cheap rivals, score them all
    against the years that were trained on and those held back, and print tables (markdown).

    States, scores and tables are kept in FOLDER/SAMPLER-STEPS; what is there already is not made
    again, and a run that was stopped goes on.

    \b
    Example:
      esm-coupler experiment runs --training cice_1989.nc --training cice_1990.nc
                             --reference cice_1991.nc
    """
    from ..verify.comparison import document
    from ..verify.rivals import RIVALS
    from ..verify.states_file import read_states

    names = _checkpoints(folder) + list(RIVALS)
    chosen = only or names
    if unknown := sorted(set(chosen) - set(names)):
        raise ConfigError(f"there is no row '{unknown[0]}': choose from {', '.join(names)}")
    sampling = {"sampler": sampler, "n_steps": n_steps, "refine_steps": refine_steps}
    if sigma_max is not None:
        sampling["sigma_max"] = sigma_max
    about = {"states": states, "training": " ".join(sorted(path.name for path in training))}
    output = folder / "-".join(f"{value}" for value in sampling.values())
    output.mkdir(exist_ok=True)
    seen, true = read_states(training), read_states(reference)
    rows = {}
    for name in chosen:
        source: Generator | str = name if name in RIVALS else _load(folder, name, threads)
        rows[name] = _row(output, name, source, about, sampling, seen, true)
    text = document(rows)
    replace_file(output / "tables.md", text.encode())
    typer.echo(text)


def _checkpoints(folder: Path) -> list[str]:
    """Names of the generators in the folder; ConfigError if there is no such folder."""
    from ..generator.checkpoint import read_checkpoint

    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}: name the one that holds the checkpoints")
    files = sorted(folder.glob("*.safetensors"))
    return [file.stem for file in files if read_checkpoint(file).kind == "generator"]


def _load(folder: Path, name: str, threads: int) -> Generator:
    from ..generator.generator import Generator

    return Generator.load(folder / f"{name}.safetensors", threads=threads)


def _row(
    output: Path, name: str, source: Generator | str, about: dict[str, Any],
    sampling: dict[str, Any], training: States, reference: States,
) -> dict[str, Any]:  # fmt: skip
    """The scores of a row, and how it was trained; kept as JSON."""
    from ..verify.latent import shipped_faed
    from ..verify.scorecard import evaluate

    drawn = _drawn(output, name, source, about, sampling, training)
    log_line(f"{name}: scores")
    scores = evaluate(
        drawn.states, reference, training, raw=drawn.decoded, faed=shipped_faed(training),
        autoencoder=None if isinstance(source, str) else source.model.space, cost=drawn.cost,
    )  # fmt: skip
    if not isinstance(source, str):
        scores["trained"] = source.manifest["training"]
    text = json.dumps(scores, indent=2, ensure_ascii=False, allow_nan=False)
    replace_file(output / f"{name}.json", (text + "\n").encode())
    return scores


def _drawn(
    output: Path, name: str, source: Generator | str, about: dict[str, Any],
    sampling: dict[str, Any], training: States,
) -> Drawn:  # fmt: skip
    """The states of a row, from its files or those of its single states if they are there."""
    from ..verify.experiment import days_around_the_year, draw, read_drawn, write_drawn

    origin = {"row": name, **about}
    if not isinstance(source, str):
        origin |= sampling | {"checkpoint_sha256": source.checkpoint_sha256}
    drawn = read_drawn(output, name, origin)
    if drawn is not None:
        log_line(f"{name}: states made before")
        return drawn
    dates = days_around_the_year(about["states"])
    with MemberStore(output / f"{name}.nc", origin) as kept:
        drawn = draw(source, dates, training, sampling, kept, lambda k: with_lines(list(k), name))
        write_drawn(drawn, output, name, origin)
        kept.remove()
    return drawn
