"""`esm-coupler namelist`: templates and the reference of all options."""

from __future__ import annotations

from typing import Annotated

import typer


def namelist(
    mode: Annotated[
        str,
        typer.Argument(
            metavar="[MODE]",
            help="generate, forecast, couple, or train- with autoencoder, denoiser, one-step or "
            "emulator behind it.",
        ),
    ] = "",
    reference: Annotated[
        bool, typer.Option("--reference", help="Print the reference of all groups as Markdown.")
    ] = False,
) -> None:
    """Print a commented namelist with every option of a mode.

    \b
    Example:
      esm-coupler namelist generate > generate.nml
    """
    from .. import namelist_template

    if reference == bool(mode):
        raise typer.BadParameter("give either a MODE or --reference")
    if mode and mode not in namelist_template.MODES:
        raise typer.BadParameter(f"{mode!r} is none of {', '.join(namelist_template.MODES)}")
    text = namelist_template.reference() if reference else namelist_template.template(mode)
    typer.echo(text, nl=False)
