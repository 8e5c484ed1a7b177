"""The file that NEMO reads for its first ice with ln_iceini and nn_iceini_file = 1 (namini)."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np

from ..state import State
from .si3_restart import MAX_AREA

if TYPE_CHECKING:
    import xarray


def initial_dataset(state: State, date: datetime.date) -> xarray.Dataset:
    """hti and hts, the thickness of ice and snow where there is ice [m], and ati, the area [1], of
    (time_counter, y, x). NEMO takes salinity and temperatures, which a state lacks, from namini,
    and splits into its categories itself."""
    import xarray

    area = np.minimum(state["sic"], MAX_AREA)
    ice = area > 0

    def field(values: np.ndarray, units: str, long_name: str) -> tuple:
        return ("time_counter", "y", "x"), values[None], {"units": units, "long_name": long_name}

    def per_area(values: np.ndarray) -> np.ndarray:
        return np.divide(values, area, out=np.zeros_like(values), where=ice)

    days = (date - datetime.date(1970, 1, 1)).days
    return xarray.Dataset(
        {
            "hti": field(per_area(state["sit"]), "m", "thickness of the ice"),
            "hts": field(per_area(state["snt"]), "m", "thickness of the snow on the ice"),
            "ati": field(area, "1", "ice area fraction"),
            "nav_lat": (("y", "x"), state.grid.lat, {"units": "degrees_north"}),
            "nav_lon": (("y", "x"), state.grid.lon, {"units": "degrees_east"}),
        },
        coords={"time_counter": ("time_counter", np.array([days], "f8"), {
            "units": "days since 1970-01-01", "calendar": "standard"})},
    )  # fmt: skip
