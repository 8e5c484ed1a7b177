"""`esm-coupler prepare`: files of any model as one compact training file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..atomic import require_output
from .arguments import OVERWRITE_REMEDY, Overwrite
from .progress import with_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from ..hosts.series import Series
    from ..hosts.summary import Summary


def prepare(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Files of one model and grid.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.nc", help="Training file to write.")
    ],
    format: Annotated[
        str | None,
        typer.Option("--format", metavar="F", help="Format, if the content does not show it."),
    ] = None,
    years: Annotated[
        str | None,
        typer.Option("--years", metavar="1984-1986,1988", help="Take these years only."),
    ] = None,
    overwrite: Overwrite = False,
) -> None:
    """Turn files of a sea-ice model into one training file, and say what is in it.

    \b
    Example:
      esm-coupler prepare iceh.*.nc --output arctic.nc
      esm-coupler prepare siconc_*.nc sivol_*.nc sisnmass_*.nc siu_*.nc siv_*.nc -o arctic.nc
    """
    from ..hosts import open_series
    from ..hosts.catalogue import FORMATS

    if format is not None and format not in FORMATS:
        raise typer.BadParameter(f"--format {format}: choose from {', '.join(FORMATS)}")
    wanted = _years(years) if years is not None else []
    require_output(output, overwrite, OVERWRITE_REMEDY)
    series = open_series(inputs, format, wanted)
    summary = _summary(series)
    _write(series, summary, output)
    typer.echo(summary.table())
    typer.echo(f"wrote {output}")


def _years(text: str) -> list[int]:
    """[1984, 1985, 1988] of '1984-1985,1988'."""
    years: list[int] = []
    for part in text.split(","):
        span = re.fullmatch(r"\s*(\d{1,4})(?:-(\d{1,4}))?\s*", part)
        if not span or int(span[2] or span[1]) < int(span[1]):
            raise typer.BadParameter(f"--years {text}: give years such as 1984-1986,1988")
        years += range(int(span[1]), int(span[2] or span[1]) + 1)
    return years


def _summary(series: Series) -> Summary:
    """Read and check everything once, before a file is begun."""
    from ..hosts.summary import Summary

    summary = Summary(series)
    for days in with_lines(series.ranges(), "checking"):
        summary.add(*series.read(days))
    return summary


def _write(series: Series, summary: Summary, output: Path) -> None:
    from ..hosts.compact import Compact, precision_for

    precision = {name: precision_for(name, most) for name, most in summary.largest().items()}
    attributes = {
        "title": "Training file of esm_coupler",
        "source": ", ".join(path.name for path in series.files),
        "source_format": ", ".join(series.formats),
    }

    def blocks() -> Iterator[np.ndarray]:
        for days in with_lines(series.ranges(), "writing"):
            yield series.read(days)[0]

    Compact(series, precision, attributes).write(output, blocks())
