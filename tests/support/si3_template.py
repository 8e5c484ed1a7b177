"""Restarts of SI3 as NEMO writes them, on any grid."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np

from esm_coupler.grid import Grid

THICKNESS = (0.3, 0.8, 1.6, 2.9, 5.0)  # m, inside the bounds of rn_himean = 2


def si3_values(grid: Grid) -> dict[str, np.ndarray]:
    """Ice of all categories in the northern half, snow on it, two ice layers and one of snow."""
    rng = np.random.default_rng(2)
    ice = grid.mask & (np.arange(grid.shape[0]) >= grid.shape[0] // 2)[:, None]
    area = np.where(ice, rng.uniform(0.05, 0.19, (5, *grid.shape)), 0.0)
    volume = area * np.array(THICKNESS)[:, None, None]
    snow = 0.1 * volume
    celsius = np.where(grid.mask, np.where(ice, 263.0, 273.15), 0.0)
    return {
        "a_i": area, "v_i": volume, "v_s": snow, "sv_i": 5.0 * volume, "oa_i": 3.0 * area,
        "t_su": np.broadcast_to(celsius, area.shape).copy(),
        "e_i_l01": 1.5e8 * volume, "e_i_l02": 1.2e8 * volume, "e_s_l01": 1.2e8 * snow,
        "u_ice": np.zeros(grid.shape), "v_ice": np.zeros(grid.shape),
        "stress1_i": np.where(ice, -1e3, 0.0),
        "snwice_mass": 917.0 * volume.sum(axis=0) + 330.0 * snow.sum(axis=0),
    }  # fmt: skip


def write_si3(path: Path, values: dict[str, np.ndarray]) -> Path:
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET") as dataset:
        sizes = dict(zip(("numcat", "y", "x"), values["a_i"].shape, strict=True))
        for name, size in (sizes | {"time_counter": None}).items():
            dataset.createDimension(name, size)
        for name in ("kt_ice", "nn_fsbc"):
            dataset.createVariable(name, "f8", ())[...] = 1.0
        for name, array in values.items():
            dimensions = ("time_counter", "numcat", "y", "x")
            dimensions = dimensions if array.ndim == 3 else ("time_counter", "y", "x")
            dataset.createVariable(name, "f8", dimensions)[0] = array
    return path
