"""`esm-coupler plot`: the picture of an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..atomic import require_output
from .arguments import OVERWRITE_REMEDY, Overwrite


def plot(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.nc", help="An ensemble, by generate or by a host.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.png", help="Picture (png, pdf, svg)."),
    ] = None,
    start: Annotated[
        bool,
        typer.Option("--start", help="Draw the generated first day that a host kept."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Draw members, mean and spread of ice area and thickness, and the ice edges.

    \b
    Example:
      esm-coupler plot demo/ensemble.nc --output demo/ensemble.png
    """
    from ..verify.ensemble_file import require_file
    from ..verify.plots import plot_ensemble

    require_file(file)
    picture = output or file.with_suffix(".png")
    require_output(picture, overwrite, OVERWRITE_REMEDY)
    plot_ensemble(file, picture, start)
