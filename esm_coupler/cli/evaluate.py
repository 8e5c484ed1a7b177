"""`esm-coupler evaluate`: scores of generated states, as tables, JSON and a report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..atomic import replace_file, require_output
from ..errors import OutputError
from .arguments import OVERWRITE_REMEDY, Overwrite

if TYPE_CHECKING:
    from ..generator.autoencoder import Autoencoder
    from ..verify.states import States
    from ..verify.tables import Table

SAMPLE = Path(__file__).parents[1] / "data" / "sample"
SAMPLE_REFERENCE = SAMPLE / "cice_arctic_1991.nc"
SAMPLE_TRAINING = SAMPLE / "cice_arctic_1990.nc"
Files = Annotated[
    list[Path],
    typer.Option("--training", metavar="FILE.nc",
                 help="States that the generator was trained on; can be repeated."),
]  # fmt: skip


def evaluate(
    generated: Annotated[Path, typer.Argument(metavar="GENERATED.nc", help="Generated states.")],
    reference: Annotated[
        Path | None,
        typer.Argument(metavar="REFERENCE.nc",
                       help="States to be like; without it a sample of the simulation."),
    ] = None,
    training: Files = [],  # noqa: B006 (typer reads it)
    raw: Annotated[
        Path | None,
        typer.Option("--raw", metavar="FILE.nc", help="Generated states before projection."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option("--truth", metavar="FILE.nc",
                     help="The state that an ensemble of one date is of, and those before it."),
    ] = None,
    faed: Annotated[
        str | None,
        typer.Option("--faed", metavar="CHECKPOINT", help="Autoencoder of the Fréchet distance."),
    ] = None,
    autoencoder: Annotated[
        str | None,
        typer.Option("--autoencoder", metavar="CHECKPOINT",
                     help="The generator or its autoencoder, whose own spectra are shown too."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="DIR", help="Write report.html into this folder."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the scores as JSON.")
    ] = None,
    overwrite: Overwrite = False,
) -> None:  # fmt: skip
    """Score generated states against others of the same calendar days.

    \b
    Example:
      esm-coupler evaluate ensemble.nc --report scores --json scores.json
      esm-coupler evaluate ensemble.nc cice_1991.nc --training cice_1989.nc --training cice_1990.nc
      esm-coupler evaluate ensemble.nc --truth cice_1991.nc
    """
    from ..verify.scorecard import evaluate as scores_of
    from ..verify.states_file import is_of_pairs, read_states
    from ..verify.tables import tables

    _require_outputs(report, json_file, overwrite)
    if reference is None:
        reference, training = SAMPLE_REFERENCE, training or [SAMPLE_TRAINING]
    made, true = read_states(generated), read_states(reference)
    seen = read_states(training) if training else None
    scores = scores_of(
        made, true, seen, raw=read_states(raw) if raw else None, faed=_faed(faed, made),
        autoencoder=_network(autoencoder), truth=read_states(truth) if truth else None,
        pairs=truth is not None and is_of_pairs(generated),
    )  # fmt: skip
    files = {"generated": [generated], "reference": [reference], "training": training}
    for name, facts in scores["about"]["sets"].items():
        facts["files"] = " ".join(path.name for path in files[name])
    for table in tables(scores):
        show(table)
    if json_file is not None:
        text = json.dumps(scores, indent=2, ensure_ascii=False, allow_nan=False)
        replace_file(json_file, (text + "\n").encode())
    if report is not None:
        _write_report(report, scores, made, true, seen)


def _require_outputs(report: Path | None, json_file: Path | None, overwrite: bool) -> None:
    """Before the work, not after it: OutputError if a file is in the way."""
    from ..verify.report import FILE

    if json_file is not None:
        require_output(json_file, overwrite, OVERWRITE_REMEDY)
    if report is not None:
        try:
            report.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {report} for the report: {error.strerror}; check the "
                "path and the permissions"
            ) from error
        require_output(report / FILE, overwrite, OVERWRITE_REMEDY)


def _faed(name: str | None, states: States) -> Autoencoder | None:
    """The one that was named; else the shipped one, if it is for these states."""
    from ..verify.latent import load_network, shipped_faed

    return shipped_faed(states) if name is None else load_network(name, "autoencoder")


def _network(name: str | None) -> Autoencoder | None:
    from ..verify.latent import load_network

    return None if name is None else load_network(name)


def _write_report(
    folder: Path, scores: dict[str, Any], generated: States, reference: States,
    training: States | None,
) -> None:  # fmt: skip
    from ..verify.report import write_report
    from ..verify.states import with_common_fields

    generated, reference = with_common_fields(generated, reference)
    path = write_report(folder, scores, generated, reference, training, overwrite=True)
    typer.echo(f"wrote {path}")


def show(table: Table) -> None:
    """Print on a terminal of any width; in a log, whole."""
    import sys

    from rich.console import Console
    from rich.table import Table as RichTable

    shown = RichTable(title=table.title, caption=table.note, title_justify="left",
                      caption_justify="left")  # fmt: skip
    for k, heading in enumerate(table.header):
        shown.add_column(heading, justify="left" if k == 0 else "right")
    for row in table.rows:
        shown.add_row(*row)
    console = Console(width=None if sys.stdout.isatty() else 140)
    console.print(shown, markup=False)
