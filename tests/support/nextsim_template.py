"""Restarts of neXtSIM-DG as the model writes them, on any grid."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

from esm_coupler.grid import Grid

MISSING = 1.7e38
SECONDS = 636249600  # 1 March 1990


def nextsim_values(grid: Grid, components: int = 3) -> dict[str, np.ndarray]:
    """Some ice in the northern half; with slopes in cice, hice and damage if `components` > 1."""
    rng = np.random.default_rng(1)
    ice = grid.mask & (np.arange(grid.shape[0]) >= grid.shape[0] // 2)[:, None]
    fields = {
        "cice": np.where(ice, rng.uniform(0.3, 1, grid.shape), 0.0),
        "hice": np.where(ice, rng.uniform(0.5, 3, grid.shape), 0.0),
        "damage": np.where(ice, rng.uniform(0.1, 1, grid.shape), 1.0),
        "hsnow": np.where(ice, 0.1, 0.0), "tice": np.where(ice, -8.0, -1.7)[None],
        "u": np.where(ice, 0.1, 0.0), "v": np.zeros(grid.shape), "sss": np.full(grid.shape, 32.0),
    }  # fmt: skip
    fields = {name: np.where(grid.mask, values, MISSING) for name, values in fields.items()}
    for name in ("cice", "hice", "damage") if components else ():
        slopes = np.where(ice[..., None], 0.01, 0.0) * np.ones(components - 1)
        fields[name] = np.concatenate([fields[name][..., None], slopes], axis=-1)
    return fields | {"mask": grid.mask.astype("f8")}


def write_nextsim(path: Path, values: dict[str, np.ndarray], seconds: int = SECONDS) -> Path:
    with netCDF4.Dataset(path, "w") as dataset:
        dataset.createGroup("structure").type = "parametric_rectangular"
        time = dataset.createGroup("metadata/time")
        time.createVariable("time", "i8", ())[...] = seconds
        data = dataset.createGroup("data")
        ydim, xdim = values["mask"].shape
        for name, size in {"ydim": ydim, "xdim": xdim, "zdim": 1, "dg_comp": 3}.items():
            data.createDimension(name, size)
        for name, array in values.items():
            dimensions = {2: ("ydim", "xdim"), 3: ("ydim", "xdim", "dg_comp")}[array.ndim]
            dimensions = ("zdim", "ydim", "xdim") if name == "tice" else dimensions
            data.createVariable(name, "f8", dimensions)[...] = array
    return path
