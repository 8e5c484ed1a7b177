"""The formats, in the order in which a file is held against them, and which one a file has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataError
from .cice import CICE
from .cmip6 import CMIP6
from .convention import Convention, open_plain
from .gridfile import GRID_FILE
from .nemo import NEMO
from .nextsim import NEXTSIM, NEXTSIM_DG, open_dg
from .piomas import PIOMAS
from .prepared import PREPARED
from .satellite import SATELLITE

if TYPE_CHECKING:
    from xarray import Dataset

FORMATS: dict[str, Convention] = {
    "prepared": PREPARED,
    "cice": CICE,
    "cmip6": CMIP6,
    "nemo": NEMO,
    "nextsim-dg": NEXTSIM_DG,
    "piomas": PIOMAS,
    "satellite": SATELLITE,
    "nextsim": NEXTSIM,
    "grid": GRID_FILE,
}


def open_content(path: Path) -> Dataset:
    """The variables of a file, of its groups if it is one of neXtSIM-DG."""
    import netCDF4

    with netCDF4.Dataset(path) as file:
        grouped = {"structure", "data"} <= set(file.groups)
    return open_dg(path) if grouped else open_plain(path)


def format_of(dataset: Dataset, path: Path) -> str:
    """The first format that recognises its own, by names and attributes; else DataError."""
    for name, convention in FORMATS.items():
        if convention.recognises(dataset):
            return name
    held = ", ".join(list(map(str, dataset.data_vars))[:8]) or "nothing"
    raise DataError(
        f"{path} has none of the formats {', '.join(FORMATS)} (it holds {held}): give another "
        "file, or say which with --format"
    )
