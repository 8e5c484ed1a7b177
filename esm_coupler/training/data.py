"""Training data: daily states of a simulation, one NetCDF file a year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError
from ..fields import DRIFT, FIELDS
from ..grid import Grid, corners

if TYPE_CHECKING:
    import xarray

NAMES = ("sic", "sit", "snt", "siu", "siv")
# A simulation leaves a tail of tiny concentrations in open water and seldom reaches 1 exactly;
# the censored likelihood needs data that lie on the bounds.
OPEN_WATER, FULL_COVER = 1e-3, 0.995


@dataclass(frozen=True, eq=False)
class Days:
    """fields: float32 (day, field, y, x); day_of_year: (day,) from 1; names of the fields."""

    fields: np.ndarray
    day_of_year: np.ndarray
    names: tuple[str, ...]
    grid: Grid


def read_days(folder: str | Path, years: Sequence[int]) -> Days:
    """All days of `years` from `folder`/*YYYY*.nc, snapped to the bounds."""
    import xarray

    fields, days = [], []
    for year in years:
        path = _file_of(Path(folder), year)
        try:
            with xarray.open_dataset(path) as dataset:
                grid = grid_of(dataset)
                daily = dataset[list(NAMES)].transpose("time", "y", "x")
                values = np.stack([daily[name].values.astype("f4") for name in NAMES], axis=1)
                days.append(dataset["time"].dt.dayofyear.values)
        # what xarray raises on a damaged file depends on where the damage is
        except (OSError, RuntimeError, ValueError, KeyError, AttributeError) as error:
            reason = str(error).partition("\n")[0]
            raise ConfigError(
                f"training_nml: {path} cannot be read as a file of daily states ({reason}): it "
                f"needs {', '.join(NAMES)} of (time, y, x), mask, lat, lon, cell_area and angle"
            ) from error
        _check(path, values, grid)
        fields.append(snap(values, NAMES, grid))
    return Days(np.concatenate(fields), np.concatenate(days), NAMES, grid)


def _check(path: Path, values: np.ndarray, grid: Grid) -> None:
    """Refuse days that are not finite or not plausible at ocean cells."""
    for index, name in enumerate(NAMES):
        low, high = FIELDS[name].plausible
        ocean = values[:, index][:, grid.mask]
        wrong = ~((ocean >= low) & (ocean <= high))
        if wrong.any():
            raise ConfigError(
                f"training_nml: {path} has {wrong.sum()} values of '{name}' in the ocean that are "
                f"not between {low} and {high}, the first on day {np.argwhere(wrong)[0][0] + 1}: "
                "mend or leave out the file"
            )


def grid_of(dataset: xarray.Dataset) -> Grid:
    """The grid that a file of the simulation carries."""
    arrays = {name: dataset[name].values.astype("f8") for name in
              ("lat", "lon", "cell_area", "angle")}  # fmt: skip
    return Grid(mask=dataset["mask"].values > 0, **arrays)


def snap(fields: np.ndarray, names: Sequence[str], grid: Grid) -> np.ndarray:
    """Put nearly open water and nearly full cover (day, field, y, x) on their bounds."""
    fields = fields.copy()
    sic = fields[:, names.index("sic")]
    sic[sic >= FULL_COVER] = 1.0
    ice = sic >= OPEN_WATER
    touched = np.stack([corners(day, all_of=False) for day in ice])
    for index, name in enumerate(names):
        fields[:, index] *= touched if name in DRIFT else ice
    return fields


def _file_of(folder: Path, year: int) -> Path:
    found = sorted(folder.glob(f"*{year}*.nc"))
    if len(found) != 1:
        raise ConfigError(
            f"training_nml: data = '{folder}' has {len(found)} files *{year}*.nc, needed is one "
            "for each of train_years and validation_years"
        )
    return found[0]
