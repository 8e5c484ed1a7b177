"""Satellite products and other files that say what they are by CF standard names.

OSI SAF (`ice_conc`), the climate data record of NSIDC (`seaice_conc_cdr`), raw bytes of NASA Team
(`sic_raw`), and models with `sea_ice_area_fraction` such as ROMS. Where there is no retrieval
(coast, pole hole), there is no ocean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .convention import Convention, usual

if TYPE_CHECKING:
    from xarray import Dataset

_AREA_NAME = "sea_ice_area_fraction"
_CANDIDATES = ("ice_conc", "seaice_conc_cdr", "aice")
FULL, FIRST_FLAG = 250, 251  # NSIDC-0051: bytes up to 250 are 250 times the fraction


def _recognises(dataset: Dataset) -> bool:
    return "sic_raw" in dataset or any(
        name in dataset and dataset[name].attrs.get("standard_name") == _AREA_NAME
        for name in _CANDIDATES
    )


def _adapt(dataset: Dataset) -> Dataset:
    """Flags out of the values, and NASA Team's bytes as a fraction."""
    if "sic_raw" in dataset:
        raw = dataset["sic_raw"]
        dataset["ice_conc"] = (raw / np.float32(FULL)).where(raw < FIRST_FLAG)
    if "seaice_conc_cdr" in dataset:
        concentration = dataset["seaice_conc_cdr"]
        dataset["ice_conc"] = concentration.where(concentration >= 0)  # flags are below 0
        dataset["ice_conc"].attrs = concentration.attrs
    if "cell_area_km2" in dataset:
        dataset["cell_area"] = dataset["cell_area_km2"].assign_attrs(units="km2")
    return dataset


SATELLITE = Convention(
    _recognises,
    usual(sic=("ice_conc", "aice"), sit="hice"),
    {
        "lat": ("lat", "latitude"), "lon": ("lon", "longitude"), "mask": ("mask",),
        "cell_area": ("cell_area",),
    },
    adapt=_adapt,
)  # fmt: skip
