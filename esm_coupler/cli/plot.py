"""`esm-coupler plot`: the picture of an ensemble."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def plot(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.nc", help="An ensemble, by generate or by a host.")
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE.png", help="Picture (png, pdf, svg)."),
    ] = None,
    start: Annotated[
        bool,
        typer.Option("--start", help="Draw the generated first day that a host kept."),
    ] = False,
) -> None:
    """Draw members, mean and spread of ice area and thickness, and the ice edges.

    \b
    Example:
      esm-coupler plot demo/ensemble.nc --output demo/ensemble.png
    """
    from ..verify.plots import plot_ensemble

    plot_ensemble(file, output or file.with_suffix(".png"), start)
