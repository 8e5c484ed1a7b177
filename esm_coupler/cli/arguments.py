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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that exists.")]
OVERWRITE_REMEDY = "say --overwrite"
