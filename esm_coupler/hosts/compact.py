"""Writes a series as one training file: int16 steps on (time, y, x), with the grid beside them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..atomic import write_atomically
from ..fields import DRIFT, FIELDS
from .dates import Day, days_since_start
from .series import Series

if TYPE_CHECKING:
    import netCDF4

LARGEST = 32767  # of an int16
# Those of the training simulation; twice as coarse, and again, until the largest value fits.
PRECISION = {"sic": 2.5e-4, "sit": 1e-3, "snt": 2e-4, "siu": 2.5e-4, "siv": 2.5e-4, "sid": 2.5e-4}


def precision_for(name: str, largest: float) -> float:
    """The step of a field whose largest absolute value is `largest`, in its unit."""
    step = PRECISION[name]
    while largest / step > LARGEST:
        step *= 2
    return step


def pack(name: str, values: np.ndarray, step: float) -> np.ndarray:
    """int16 number of steps. 0 stays 0; of what has bounds, positive stays positive and what is
    below an upper bound of 1 stays below it."""
    steps = np.rint(values.astype("f8") / step)
    if name not in DRIFT:
        steps = np.where(values > 0, np.maximum(steps, 1), steps)
    if FIELDS[name].upper == 1:
        full = round(1 / step)
        steps = np.where(values < 1, np.minimum(steps, full - 1), full)
    return steps.astype("i2")


@dataclass(frozen=True, eq=False)
class Compact:
    """A training file to be: a series, the step of each field, and what the file says of itself."""

    series: Series
    precision: dict[str, float]
    attributes: dict[str, str]

    def write(self, path: Path, blocks: Iterable[np.ndarray]) -> None:
        """Write `blocks` (day, field, y, x), the days of the series in order; OutputError."""
        write_atomically(path, lambda temporary: self._write(temporary, blocks))

    def _write(self, path: Path, blocks: Iterable[np.ndarray]) -> None:
        import netCDF4

        with netCDF4.Dataset(path, "w") as file:
            self._define(file)
            day = 0
            for block in blocks:
                for index, name in enumerate(self.series.names):
                    packed = pack(name, block[:, index], self.precision[name])
                    file[name][day : day + len(block)] = packed
                day += len(block)

    def _define(self, file: netCDF4.Dataset) -> None:
        """Dimensions, grid, days, and the fields without values."""
        grid = self.series.grid.to_dataset()
        file.setncatts(grid.attrs | self.attributes)
        sizes = {"time": len(self.series.days), **dict(grid.sizes)}
        for name, size in sizes.items():
            file.createDimension(name, size)
        for name, variable in grid.variables.items():
            made = file.createVariable(name, variable.dtype, variable.dims, zlib=True)
            made.setncatts(variable.attrs)
            made[:] = variable.values
        self._define_days(file)
        for name in self.series.names:
            self._define_field(file, name)

    def _define_days(self, file: netCDF4.Dataset) -> None:
        start = Day(self.series.days[0].year, 1, 1)
        time = file.createVariable("time", "i4", ("time",))
        time.setncatts({
            "standard_name": "time", "units": f"days since {start}",
            "calendar": self.series.calendar,
        })  # fmt: skip
        time[:] = days_since_start(self.series.days, self.series.calendar, start)

    def _define_field(self, file: netCDF4.Dataset, name: str) -> None:
        field = FIELDS[name]
        chunks = (1, *self.series.mask.shape)
        made = file.createVariable(
            name, "i2", ("time", "y", "x"), zlib=True, complevel=4, chunksizes=chunks
        )
        made.setncatts({
            "scale_factor": self.precision[name], "units": field.units,
            "standard_name": field.standard_name, "long_name": field.long_name,
            "cell_methods": field.cell_methods, "coordinates": "lat lon",
        })  # fmt: skip
        made.set_auto_maskandscale(False)
