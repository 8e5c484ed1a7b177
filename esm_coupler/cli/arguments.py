"""Arguments that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Namelist = Annotated[Path, typer.Argument(metavar="FILE.nml", help="Namelist file.")]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="GROUP.KEY=VALUE",
        help="Set one option over the file, such as ensemble_nml.members=8; can be repeated.",
    ),
]
OutputOverride = Annotated[
    str | None,
    typer.Option("--output", "-o", metavar="OUT.nc", help="Over ensemble_nml.output."),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")]
OVERWRITE_REMEDY = "say --overwrite"


def overrides_of(sets: list[str], output: str | None) -> list[str]:
    """All that is set over a namelist, --output last."""
    return [*sets, *([f"ensemble_nml.output={output}"] if output is not None else [])]
