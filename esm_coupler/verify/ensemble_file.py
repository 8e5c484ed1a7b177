"""An ensemble file of ours, by `generate` or by a host, as plain arrays for plots."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FieldError

if TYPE_CHECKING:
    import xarray

START = "_start"
_REMEDY = "give a file that `esm-coupler generate` or the reference host wrote"


@dataclass(frozen=True, eq=False)
class EnsembleFile:
    """`fields` maps sic, sit, ... to (realization, y, x), not a number on land; lat, lon, mask and
    cell_area [m2] are (y, x); `date` is the day of the fields, `start_date` of their start."""

    fields: dict[str, np.ndarray]
    members: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    mask: np.ndarray
    cell_area: np.ndarray
    date: str
    start_date: str

    def extent(self) -> np.ndarray:
        """(realization,): area of cells with more than 15 % of ice [1e6 km2]."""
        return np.nansum((self.fields["sic"] > 0.15) * self.cell_area, axis=(1, 2)) / 1e12

    def volume(self) -> np.ndarray:
        """(realization,): ice volume [1e3 km3]."""
        return np.nansum(self.fields["sit"] * self.cell_area, axis=(1, 2)) / 1e12


def require_file(path: Path) -> None:
    """FieldError unless `path` is a regular file; opening a pipe would wait for ever."""
    if not os.path.isfile(path):
        fault = "is a folder, pipe or device" if os.path.exists(path) else "does not exist"
        raise FieldError(f"{path} {fault}: {_REMEDY}")


def read_ensemble(path: Path, start: bool = False) -> EnsembleFile:
    """Read a file; with `start` the generated first day that a host kept beside its last.

    Raises FieldError if it is no NetCDF file or has not what a plot needs.
    """
    import xarray

    require_file(path)
    try:
        with xarray.open_dataset(path, engine="netcdf4") as dataset:
            ensemble = _from_dataset(dataset, path, START if start else "")
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise FieldError(f"{path} cannot be read as an ensemble ({reason}): {_REMEDY}") from error
    _require_ice(ensemble, path)
    return ensemble


def _from_dataset(dataset: xarray.Dataset, path: Path, suffix: str) -> EnsembleFile:
    _require_variables(dataset, path, suffix)
    mask = dataset["mask"].values > 0
    fields = {
        name: np.where(mask, dataset[name + suffix].values, np.nan)
        for name in ("sic", "sit")
        if name + suffix in dataset.variables
    }
    date = _date(dataset, "time" + suffix)
    return EnsembleFile(
        fields, dataset["realization"].values.astype(int),
        dataset["lat"].values, dataset["lon"].values, mask, dataset["cell_area"].values,
        date, _date(dataset, "time" + START) or date,
    )  # fmt: skip


def _require_variables(dataset: xarray.Dataset, path: Path, suffix: str) -> None:
    """FieldError unless all that a plot needs is there and has one grid and ensemble."""
    for name in ("sic" + suffix, "realization", "lat", "lon", "mask", "cell_area"):
        if name not in dataset.variables:
            raise FieldError(f"{path} has no variable '{name}': {_REMEDY}")
    grid = dataset["mask"].shape
    shapes = dict.fromkeys(("lat", "lon", "cell_area"), grid)
    shapes |= dict.fromkeys(("sic" + suffix, "sit" + suffix), (dataset["realization"].size, *grid))
    for name, shape in shapes.items():
        if name in dataset.variables and dataset[name].shape != shape:
            raise FieldError(
                f"'{name}' in {path} has shape {dataset[name].shape}, needed is {shape}: {_REMEDY}"
            )


def _require_ice(ensemble: EnsembleFile, path: Path) -> None:
    """FieldError if there is nothing to draw."""
    if not ensemble.mask.any():
        raise FieldError(f"the mask in {path} has no ocean cell, which is 1: {_REMEDY}")
    for name in ("lat", "lon"):
        if not np.isfinite(getattr(ensemble, name)).all():
            raise FieldError(f"'{name}' in {path} is not a number everywhere: {_REMEDY}")
    for name, values in ensemble.fields.items():
        if not np.isfinite(values).any():
            raise FieldError(f"'{name}' in {path} is not a number in any ocean cell: {_REMEDY}")


def _date(dataset: xarray.Dataset, name: str) -> str:
    """yyyy-mm-dd of a scalar time, or nothing."""
    if name not in dataset.variables:
        return ""
    return str(dataset[name].values.astype("datetime64[D]"))
