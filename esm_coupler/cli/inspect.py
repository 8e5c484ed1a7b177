"""`esm-coupler inspect`: what a checkpoint is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def inspect(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A shipped name or a .safetensors file.")
    ],
    grid: Annotated[
        Path | None,
        typer.Option("--grid", metavar="FILE.nc", help="Write the checkpoint's grid as NetCDF."),
    ] = None,
) -> None:
    """Verify a checkpoint and print its manifest as JSON; optionally write its grid.

    \b
    Example:
      esm-coupler inspect default
      esm-coupler inspect default --grid grid.nc
    """
    from ..generator.checkpoint import checkpoint_path, read_checkpoint

    read = read_checkpoint(checkpoint)
    if grid is not None:
        from ..generator.model import load_grid

        load_grid(read).to_netcdf(grid)
    size = sum(tensor.size for tensor in read.tensors.values())
    facts = {"file": str(checkpoint_path(checkpoint)), "sha256": read.sha256, "numbers": size}
    typer.echo(json.dumps(facts | read.manifest, indent=2))
