"""NEMO-SI3 output (*_icemod.nc), with the names of its file definitions or of its fields.

`sivolu` and `snvolu` are per cell area, `sithic` and `snthic` per area of the ice. Drift lives on
the faces of the C-grid and is moved to the centre. NEMO, cfgs/SHARED/field_def_nemo-ice.xml.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .convention import Convention, Variable
from .units import DRIFT, FRACTION, ICE, ICE_MASS, SNOW, SNOW_MASS

if TYPE_CHECKING:
    from xarray import Dataset


def _recognises(dataset: Dataset) -> bool:
    is_nemo = "time_counter" in dataset.variables or "nav_lat" in dataset.variables
    return is_nemo and NEMO.has_field(dataset)


NEMO = Convention(
    _recognises,
    (
        Variable("sic", ("siconc", "iceconc"), FRACTION),
        Variable("sit", ("sivolu", "icevolu"), ICE),
        Variable("sit", ("icemass", "simass"), ICE_MASS),
        Variable("sit", ("sithic", "icethic"), ICE, per_ice=True),
        Variable("snt", ("snvolu", "snwvolu"), SNOW),
        Variable("snt", ("snwmass",), SNOW_MASS),
        Variable("snt", ("snthic", "snwthic"), SNOW, per_ice=True),
        Variable("siu", ("sivelu", "u_ice", "uice"), DRIFT, face="x"),
        Variable("siv", ("sivelv", "v_ice", "vice"), DRIFT, face="y"),
    ),
    {"lat": ("nav_lat",), "lon": ("nav_lon",), "cell_area": ("area",)},
)
