"""`esm-coupler inspect`: what a checkpoint is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..atomic import require_output
from .arguments import OVERWRITE_REMEDY, Overwrite

if TYPE_CHECKING:
    from ..generator.checkpoint import Checkpoint


def inspect(
    checkpoint: Annotated[
        str, typer.Argument(metavar="CHECKPOINT", help="A shipped name or a .safetensors file.")
    ],
    grid: Annotated[
        Path | None,
        typer.Option("--grid", metavar="FILE.nc", help="Write the checkpoint's grid as NetCDF."),
    ] = None,
    overwrite: Overwrite = False,
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
        _write_grid(read, grid, overwrite)
    size = sum(tensor.size for tensor in read.tensors.values())
    facts = {"file": str(checkpoint_path(checkpoint)), "sha256": read.sha256, "numbers": size}
    typer.echo(json.dumps(facts | read.manifest, indent=2))


def _write_grid(read: Checkpoint, path: Path, overwrite: bool) -> None:
    from ..generator.model import load_grid

    require_output(path, overwrite, OVERWRITE_REMEDY)
    load_grid(read).to_netcdf(path, overwrite=overwrite)
