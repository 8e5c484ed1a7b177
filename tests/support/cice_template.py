"""Restarts of CICE on any grid, made of the columns of a small cut of a true one."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

from esm_coupler.grid import Grid

CUT = Path(__file__).parents[1] / "hosts" / "data" / "cice_8x8.nc"
STILL = ("uvel", "vvel", "strocn", "stress", "iceumask")
DATE = {"istep1": 10, "myear": 1990, "mmonth": 3, "mday": 1, "msec": 0}


def cut_values() -> dict[str, np.ndarray]:
    with netCDF4.Dataset(CUT) as dataset:
        dataset.set_auto_mask(False)
        return {name: np.array(variable[:]) for name, variable in dataset.variables.items()}


def template_values(grid: Grid, seed: int = 0, ghosts: int = 0) -> dict[str, np.ndarray]:
    """At each ocean cell a random column of the cut, at rest; zero on land and in ghost cells."""
    cut = cut_values()
    columns = np.argwhere(cut["sst"] != 0)
    chosen = columns[np.random.default_rng(seed).integers(len(columns), size=grid.shape)]
    values = {}
    for name, array in cut.items():
        picked = np.where(grid.mask, array[..., chosen[..., 0], chosen[..., 1]], 0.0)
        if name.startswith(STILL):
            picked = np.zeros_like(picked)
        values[name] = np.pad(picked, [(0, 0)] * (picked.ndim - 2) + [(ghosts, ghosts)] * 2)
    return values


def write_cice(
    path: Path, values: dict[str, np.ndarray], kind: str = "NETCDF3_CLASSIC",
    attributes: dict[str, int] = DATE,
) -> Path:  # fmt: skip
    """Write a restart as CICE does."""
    with netCDF4.Dataset(path, "w", format=kind) as dataset:
        sizes = dict(zip(("ncat", "nj", "ni"), values["aicen"].shape, strict=True))
        for name, size in sizes.items():
            dataset.createDimension(name, size)
        for name, array in values.items():
            dimensions = ["ncat", "nj", "ni"][3 - array.ndim :]
            if array.ndim == 3 and len(array) != sizes["ncat"]:
                dimensions[0] = f"ncat{len(array)}"
                dataset.createDimension(dimensions[0], len(array))
            dataset.createVariable(name, array.dtype, dimensions)[...] = array
        dataset.setncatts({name: np.int32(value) for name, value in attributes.items()})
    return path
