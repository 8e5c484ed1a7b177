"""States from any file of ours: ensembles, many dates in one file, and the simulation's days."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FieldError
from ..fields import DRIFT, FIELDS
from ..grid import Grid
from .states import States, joined

if TYPE_CHECKING:
    import xarray

_REMEDY = (
    "states are (realization, y, x) as esm-coupler generate writes them, (realization, time, y, x) "
    "as forecast does, or (time, y, x) as the simulation's files have them"
)
_GRID = ("mask", "lat", "lon", "cell_area")


def read_states(paths: str | Path | Sequence[str | Path], dtype: str = "f4") -> States:
    """All states of one or several files, of a forecast day by day; days of a simulation,
    (time, y, x), are put on the bounds like training data (`training.data.snap`), other files are
    taken as they are.

    FieldError names the file and what is wrong with it.
    """
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not several:
        raise FieldError("no file of states is given: give one or more")
    return joined([_read(Path(path), dtype) for path in several])


def is_ensemble(path: Path) -> bool:
    """Whether a NetCDF file has members of ours; False too for a file that cannot be read."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as dataset:
            names = dataset.variables
            return "sic" in names and "realization" in names["sic"].dimensions
    except (OSError, RuntimeError, ValueError, UnicodeError):
        return False


def is_of_pairs(path: Path) -> bool:
    """Whether an ensemble that can be read is of whole pairs: members 2k - 1 and 2k, one after the
    other, around an analysis."""
    import xarray

    with xarray.open_dataset(path, engine="netcdf4") as dataset:
        if dataset.attrs.get("mode") != "perturb" or "realization" not in dataset.variables:
            return False
        numbers = np.atleast_1d(dataset["realization"].values)
    first, second = numbers[::2], numbers[1::2]
    whole = len(first) == len(second)
    return whole and bool(((first % 2 == 1) & (second == first + 1)).all())


def _read(path: Path, dtype: str) -> States:
    import xarray

    from .ensemble_file import require_file

    require_file(path)
    try:
        with xarray.open_dataset(path, engine="netcdf4") as dataset:
            return _from_dataset(dataset, path, dtype)
    # What the reader raises on a damaged file depends on where the damage is.
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise FieldError(f"{path} cannot be read as states ({reason}): {_REMEDY}") from error


def _from_dataset(dataset: xarray.Dataset, path: Path, dtype: str) -> States:
    for name in (*_GRID, "time", "sic"):
        if name not in dataset.variables:
            raise FieldError(f"{path} has no variable '{name}': {_REMEDY}")
    grid = _grid(dataset, path)
    is_simulation = "realization" not in dataset["sic"].dims
    is_forecast = dataset["sic"].dims == ("realization", "time", "y", "x")
    along = ("time",) if is_simulation else ("realization", "time")[: 1 + is_forecast]
    names = tuple(name for name in FIELDS if name in dataset.variables)
    for name in names:
        if dataset[name].dims != (*along, "y", "x"):
            raise FieldError(f"'{name}' in {path} has dimensions {dataset[name].dims}: {_REMEDY}")
    values = np.stack([_state_by_state(dataset[name], dtype) for name in names], axis=1)
    if not len(values):
        raise FieldError(f"{path} has no state in it: give a file that was written to its end")
    dates = _dates(dataset, dataset.sizes["time"] if is_forecast else len(values))
    dates = np.repeat(dates, len(values) // len(dates))
    states = States(_on_ocean(values, names, grid, path), dates, names, grid)
    return _snapped(states) if is_simulation else states


def _state_by_state(field: xarray.DataArray, dtype: str) -> np.ndarray:
    """(state, y, x); members of a forecast for each of its days."""
    ordered = field.transpose("time", "realization", "y", "x") if field.ndim == 4 else field
    return ordered.values.astype(dtype).reshape(-1, *field.shape[-2:])


def _snapped(states: States) -> States:
    from ..training.data import snap

    return States(snap(states.fields, states.names, states.grid), states.dates, states.names,
                  states.grid)  # fmt: skip


def _grid(dataset: xarray.Dataset, path: Path) -> Grid:
    """The grid of the file; hosts write no angle, which no score uses."""
    lat, lon, area = (dataset[name].values.astype("f8") for name in _GRID[1:])
    angle = dataset["angle"].values.astype("f8") if "angle" in dataset else np.zeros_like(lat)
    location = dataset.attrs.get("drift_location", "northeast")
    grid = Grid(dataset["mask"].values > 0, lat, lon, area, angle, location)
    if not grid.mask.any():
        raise FieldError(f"the mask in {path} has no ocean cell, which is 1: {_REMEDY}")
    for name in _GRID[1:]:
        if not np.isfinite(getattr(grid, name)).all():
            raise FieldError(f"'{name}' in {path} is not a number everywhere: {_REMEDY}")
    return grid


def _on_ocean(values: np.ndarray, names: tuple[str, ...], grid: Grid, path: Path) -> np.ndarray:
    """Missing values off the ocean become 0; one in the ocean is a FieldError."""
    for index, name in enumerate(names):
        wrong = ~np.isfinite(values[:, index])
        support = grid.drift_mask if name in DRIFT else grid.mask
        if (wrong & support).any():
            state, j, i = np.argwhere(wrong & support)[0] + 1
            raise FieldError(
                f"'{name}' in {path} is not a number in {(wrong & support).sum()} values of the "
                f"ocean, the first in state {state} at i={i}, j={j}: mend or leave out the file"
            )
        values[:, index][wrong] = 0.0
    return values


def _dates(dataset: xarray.Dataset, n_states: int) -> np.ndarray:
    """datetime64[D] (state,): of each state, or the one of all; ValueError for a day, such as
    30 February, that only a model's calendar has."""
    time = np.atleast_1d(dataset["time"].values)
    if time.dtype.kind == "O":  # cftime: a calendar without leap days, say
        time = np.array([f"{t.year:04d}-{t.month:02d}-{t.day:02d}" for t in time])
    if time.dtype.kind not in "MU" or time.shape not in ((1,), (n_states,)):
        raise ValueError("its time is no date for each state")
    dates = np.broadcast_to(time.astype("datetime64[D]"), (n_states,)).copy()
    if np.isnat(dates).any():
        raise ValueError("its time is missing for some states")
    return dates
