"""`esm-coupler weights`: from the grid of a checkpoint to that of a host, once, offline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..atomic import require_output
from ..errors import DomainError
from .arguments import OVERWRITE_REMEDY, Overwrite

if TYPE_CHECKING:
    import numpy as np
    import xarray

    from ..grid import Grid
    from ..weights import Weights


def weights(
    host_grid: Annotated[Path, typer.Argument(metavar="HOSTGRID.nc", help="Grid of the host.")],
    checkpoint: Annotated[
        str, typer.Option("--checkpoint", help="A shipped name or a .safetensors file.")
    ] = "default",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="W.safetensors", help="File to write.")
    ] = Path("weights.safetensors"),
    overwrite: Overwrite = False,
) -> None:
    """Make weights for a host whose grid is not that of the checkpoint.

    HOSTGRID.nc has lat and lon [degrees] of cell centres and mask (1 = ocean), all (y, x), in the
    order of the host's arrays; its attribute drift_location says where the host's drift lives:
    'northeast' (the default) or 'centre'.

    \b
    Example:
      esm-coupler inspect default --grid grid.nc
      esm-coupler weights grid.nc --output weights.safetensors
    """
    from ..generator.checkpoint import read_checkpoint
    from ..generator.model import load_grid
    from ..overlap import make_weights
    from ..weights import write_weights

    require_output(output, overwrite, OVERWRITE_REMEDY)
    read = read_checkpoint(checkpoint, kind="generator")
    source, host = load_grid(read), read_host_grid(host_grid)
    made = make_weights(source, host)
    write_weights(output, made, {"host_grid": host_grid.name, "checkpoint_sha256": read.sha256})
    typer.echo(f"wrote {output}: {_summary(made)}")


def _summary(made: Weights) -> str:
    import numpy as np

    n_ocean = int(np.count_nonzero(made.grid.mask))
    n_shared = int(np.count_nonzero(made.shared_area))
    n_known = np.unique(made.cells.row).size
    return (
        f"of {n_ocean} ocean cells of the host {n_shared} share ocean with the checkpoint, "
        f"{n_known - n_shared} take the nearest at coasts, {n_ocean - n_known} stay without ice"
    )


def read_host_grid(path: Path) -> Grid:
    """Grid of a NetCDF file; DomainError says what it lacks."""
    import xarray

    try:
        with xarray.open_dataset(path) as dataset:
            return _grid(path, dataset.load())
    except (OSError, ValueError) as error:
        raise DomainError(f"{path} cannot be read as a grid ({error})") from error


def _grid(path: Path, dataset: xarray.Dataset) -> Grid:
    import numpy as np

    from ..grid import Grid

    lat, lon, mask = (_array(path, dataset, name) for name in ("lat", "lon", "mask"))
    if not (np.isfinite(lat).all() and np.isfinite(lon).all() and (np.abs(lat) <= 90).all()):
        raise DomainError(f"{path}: lat and lon [degrees] have to be finite, on land too")
    if not np.isin(mask, (0.0, 1.0)).all():
        raise DomainError(f"{path}: mask has to be 1 on ocean and 0 on land")
    others = [
        _array(path, dataset, name) if name in dataset else np.zeros_like(lat)
        for name in ("cell_area", "angle")
    ]
    location = str(dataset.attrs.get("drift_location", "northeast"))
    return Grid(mask == 1.0, lat, lon, *others, location)


def _array(path: Path, dataset: xarray.Dataset, name: str) -> np.ndarray:
    """(y, x) float64."""
    if name not in dataset or dataset[name].ndim != 2:
        raise DomainError(f"{path} has no variable {name} (y, x), as a grid of a host needs")
    return dataset[name].values.astype("f8")
