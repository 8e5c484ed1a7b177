"""PIOMAS monthly means as NetCDF: `heff_YYYY`, `area_YYYY`, `uvel_YYYY`, ... of (month, y, x).

`heff` and `snow` are volumes per cell area; drift is along the grid, at the north-east corner
(Zhang and Rothrock 2003, who use a B-grid). Without a `mask`, land counts as ocean without ice.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from .convention import Convention, usual

if TYPE_CHECKING:
    from xarray import Dataset

_NAME = re.compile(r"(area|heff|snow|uvel|vvel)_(\d{4})")
_TIME = {"units": "days since 1970-01-01", "calendar": "standard"}


def _recognises(dataset: Dataset) -> bool:
    return any(_NAME.fullmatch(str(name)) for name in dataset.data_vars)


def _adapt(dataset: Dataset) -> Dataset:
    """Each variable over all the years that stand in the names, with a time axis of its own."""
    import xarray

    years: dict[str, list] = {}
    for name in sorted(map(str, dataset.data_vars)):
        if match := _NAME.fullmatch(name):
            time = f"time_{match[1]}"
            part = dataset[name].rename(match[1]).rename(month=time)
            part[time] = (time, _middles(int(match[2]), part.sizes[time]), _TIME)
            years.setdefault(time, []).append(part)
    joined = [xarray.concat(parts, time) for time, parts in years.items()]
    grid = [dataset[name] for name in ("lat", "lon", "mask", "cell_area") if name in dataset]
    return xarray.merge([*joined, *grid])


def _middles(year: int, months: int) -> np.ndarray:
    """Days since 1970 of the 15th of the first months of a year."""
    first = np.datetime64(f"{year:04d}-01", "M") + np.arange(months)
    return first.astype("M8[D]").astype(int) + 14


PIOMAS = Convention(
    _recognises,
    usual(sic="area", sit="heff", snt="snow", siu="uvel", siv="vvel"),
    {name: (name,) for name in ("lat", "lon", "mask", "cell_area")},
    drift_location="northeast",
    adapt=_adapt,
)
