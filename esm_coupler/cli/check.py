"""`esm-coupler check`: what a model would say of a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import RestartError


def check(
    file: Annotated[Path, typer.Argument(metavar="RESTART", help="A restart file.")],
    kcatbound: Annotated[
        int | None,
        typer.Option(
            "--kcatbound", metavar="N", help="Icepack's choice of category bounds; else guessed."
        ),
    ] = None,
) -> None:
    """Judge a restart as its model would, and print a table of what is wrong and where.

    Exit status 1 if the model would stop, or run on with another state than the file has.

    \b
    Example:
      esm-coupler check iced.1990-03-01-00000.nc
    """
    from ..hosts.acceptance import table
    from ..hosts.restart_models import read_any

    model, restart = read_any(file)
    findings = model.checks(restart, kcatbound)
    typer.echo(table(findings))
    wrong = [found for found in findings if found.fatal]
    if wrong:
        raise RestartError(f"{file} fails {len(wrong)} of {len(findings)} checks: {wrong[0]}")
