"""CMIP6 tables SIday and SImon: one variable a file, so give all the files of a model at once.

`sivol` and `simass` are per cell area; `sithick`, `sisnthick` and `sisnmass` are per area of the
ice (comments of the CMIP6 tables; Notz et al. 2016). Snow is taken to cover all of the ice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import BY_COORDINATES, Convention, Variable
from .units import DRIFT, FRACTION, ICE, ICE_MASS, SNOW, SNOW_MASS

if TYPE_CHECKING:
    from xarray import Dataset


def _recognises(dataset: Dataset) -> bool:
    era, table = (str(dataset.attrs.get(name, "")) for name in ("mip_era", "table_id"))
    return era.startswith("CMIP6") or table in ("SIday", "SImon")


CMIP6 = Convention(
    _recognises,
    (
        Variable("sic", ("siconc", "siconca"), FRACTION),
        Variable("sit", ("sivol",), ICE),
        Variable("sit", ("simass",), ICE_MASS),
        Variable("sit", ("sithick",), ICE, per_ice=True),
        Variable("snt", ("sisnmass",), SNOW_MASS, per_ice=True),
        Variable("snt", ("sisnthick",), SNOW, per_ice=True),
        Variable("siu", ("siu",), DRIFT),
        Variable("siv", ("siv",), DRIFT),
    ),
    {
        "lat": ("latitude", "lat", "nav_lat"), "lon": ("longitude", "lon", "nav_lon"),
        "cell_area": ("areacello",),
    },
    drift_location=BY_COORDINATES,
)  # fmt: skip
