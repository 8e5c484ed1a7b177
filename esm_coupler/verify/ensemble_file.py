"""An ensemble file of ours, by `generate` or by a host, as plain arrays for plots."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import FieldError

if TYPE_CHECKING:
    import xarray

START = "_start"


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


def read_ensemble(path: Path, start: bool = False) -> EnsembleFile:
    """Read a file; with `start` the generated first day that a host kept beside its last.

    Raises FieldError if it has not what a plot needs, OSError if it is no NetCDF file.
    """
    import xarray

    with xarray.open_dataset(path, engine="netcdf4") as dataset:
        suffix = START if start else ""
        for name in ("sic" + suffix, "lat", "lon", "mask", "cell_area"):
            if name not in dataset.variables:
                raise FieldError(
                    f"{path} has no variable '{name}': give a file that `esm-coupler generate` "
                    "or the reference host wrote"
                )
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


def _date(dataset: xarray.Dataset, name: str) -> str:
    """yyyy-mm-dd of a scalar time, or nothing."""
    if name not in dataset.variables:
        return ""
    return str(dataset[name].values.astype("datetime64[D]"))
