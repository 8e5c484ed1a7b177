"""Daily forcing of an emulator from files: air temperature and wind, on the grid or 2 x 2 coarser.

A mean over 2 x 2 cells that holds land holds whatever the model had there: it is not used, the
nearest one that is all ocean stands for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray
from scipy.ndimage import distance_transform_edt

from ..errors import DataError
from ..fields import FORCINGS
from ..grid import Grid
from .dates import Day, days_of, is_time


FREEZING = 273.15  # K
COLDEST = 100.0  # K: a temperature below that is in degrees Celsius, whatever its units say


def read_forcing(path: str | Path, grid: Grid) -> tuple[tuple[Day, ...], np.ndarray]:
    """Days of a file, and tas, uas, vas float32 (day, 3, y, x) [K, m s-1] on the grid.

    A field of half as many cells along each side stands for 2 x 2 cells. DataError for a file that
    can't be read or lacks one of the three, and for what is not finite or implausible on ocean.
    """
    path = Path(path)
    try:
        with xarray.open_dataset(path, engine="netcdf4", decode_times=False) as file:
            days = _days(file, path)
            fields = [_field(file, name, len(days), path, grid) for name in FORCINGS]
            return days, np.stack(fields, axis=1)
    # What the reader raises on a damaged file depends on where the damage is.
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DataError(
            f"{path} cannot be read as forcing ({reason}): give an undamaged NetCDF file"
        ) from error


def _days(file: xarray.Dataset, path: Path) -> tuple[Day, ...]:
    for name in file.variables:
        if is_time(file, name) and file[name].ndim == 1 and file[name].size:  # no bounds of times
            return days_of(file, name, str(path))[0]
    raise DataError(f"{path} has no time: forcing needs a day for each field")


def _field(file: xarray.Dataset, name: str, n_days: int, path: Path, grid: Grid) -> np.ndarray:
    if name not in file.variables:
        raise DataError(f"{path} has no '{name}': an emulator needs {', '.join(FORCINGS)}")
    values = file[name].values.astype(np.float32)
    if values.ndim == 3 and tuple(2 * size for size in values.shape[1:]) == grid.shape:
        values = _finer(values, grid.mask)
    if values.shape != (n_days, *grid.shape):
        raise DataError(
            f"{path}: '{name}' has shape {values.shape}, needed are {n_days} days of {grid.shape} "
            "cells or of half as many along each side"
        )
    if name == "tas" and (values[:, grid.mask] < COLDEST).mean() > 0.5:
        values = values + np.float32(FREEZING)
    return _require_plausible(values, name, path, grid)


def _finer(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(day, y/2, x/2) -> (day, y, x), from blocks of 2 x 2 cells that are all ocean."""
    ny, nx = values.shape[1:]
    ocean = mask.reshape(ny, 2, nx, 2).all(axis=(1, 3))
    if ocean.any():
        nearest = distance_transform_edt(~ocean, return_distances=False, return_indices=True)
        values = values[:, nearest[0], nearest[1]]
    return values.repeat(2, axis=1).repeat(2, axis=2)


def _require_plausible(values: np.ndarray, name: str, path: Path, grid: Grid) -> np.ndarray:
    low, high = FORCINGS[name].plausible
    wrong = ~((values >= low) & (values <= high)) & grid.mask
    if wrong.any():
        day, j, i = np.argwhere(wrong)[0]
        raise DataError(
            f"{path}: '{name}' is {values[day, j, i]} {FORCINGS[name].units} on day {day + 1} at "
            f"i={i + 1}, j={j + 1}: between {low:g} and {high:g} is plausible"
        )
    return values
