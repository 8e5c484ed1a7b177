"""`esm-coupler doctor`: what is broken in this installation, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from .finding import Finding


def doctor(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.nml]", help="Namelist to check as well.")
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(metavar="CHECKPOINT", help="A shipped name or a .safetensors file.")
    ] = "default",
) -> None:
    """Check interpreter, packages, bridge, MPI, compilers, GPU and checkpoint.

    Exit status 1 if anything is broken.

    \b
    Example:
      esm-coupler doctor
      esm-coupler doctor namelists/demo.nml
    """
    faults = 0
    for finding in _findings(file, checkpoint):
        typer.echo(f"{finding.state:5}  {finding.what}: {finding.text}")
        faults += finding.state == "fault"
    if faults:
        typer.echo(f"esm-coupler: {faults} of these are broken", err=True)
        raise typer.Exit(1)


def _findings(file: Path | None, checkpoint: str) -> Iterator[Finding]:
    from . import doctor_files, doctor_libraries, doctor_python

    yield from doctor_python.findings()
    yield from doctor_libraries.findings()
    yield doctor_files.checkpoint(checkpoint)
    if file is not None:
        yield from doctor_files.namelist(file)
