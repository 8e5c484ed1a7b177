"""`esm-coupler validate`: read a namelist, apply nothing."""

from __future__ import annotations

import typer

from .arguments import Namelist, Overrides


def validate(file: Namelist, sets: Overrides = []) -> None:  # noqa: B006 (typer reads it)
    """Check a namelist, and say every fault of it.

    \b
    Example:
      esm-coupler validate namelists/demo.nml
    """
    from ..config import read_namelist

    read_namelist(file, sets)
    typer.echo(f"{file} is valid.")
