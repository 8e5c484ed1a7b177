"""What a format says of its files: which variable is which of our fields, and where things live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .units import DRIFT, FRACTION, ICE, SNOW, Kind

if TYPE_CHECKING:
    from xarray import Dataset

OPEN = {"engine": "netcdf4", "decode_times": False, "decode_coords": False, "cache": False}
BY_COORDINATES = "by coordinates"  # where the drift lives: as lat and lon of its file tell


@dataclass(frozen=True)
class Variable:
    """One way in which a format has one of our fields; `names` are tried in order.

    `per_ice`: a mean over the ice alone, which times sic is the mean over the cell.
    `face`: the axis along which the values live half a cell on; they are moved to the centre.
    """

    field: str
    names: tuple[str, ...]
    kind: Kind
    per_ice: bool = False
    face: str = ""


@dataclass(frozen=True)
class Convention:
    """One format. `variables` of the same field stand in order of preference; `grid` names lat,
    lon, mask, cell_area and angle; `adapt` makes an opened file fit these tables."""

    recognises: Callable[[Dataset], bool]
    variables: tuple[Variable, ...]
    grid: Mapping[str, tuple[str, ...]]
    drift_location: str = "centre"
    adapt: Callable[[Dataset], Dataset] = lambda dataset: dataset

    def has_field(self, dataset: Dataset) -> bool:
        """Whether one of the variables is in the file."""
        return any(name in dataset for variable in self.variables for name in variable.names)


def usual(**names: str | tuple[str, ...]) -> tuple[Variable, ...]:
    """Variables that are already what our fields are: means over the cell, drift along the grid."""
    kinds = {"sic": FRACTION, "sit": ICE, "snt": SNOW, "siu": DRIFT, "siv": DRIFT, "sid": FRACTION}
    return tuple(
        Variable(field, (name,) if isinstance(name, str) else name, kinds[field])
        for field, name in names.items()
    )


def open_plain(path: Path, group: str | None = None) -> Dataset:
    """The file as it is: nothing is read but what is small."""
    import xarray

    return xarray.open_dataset(path, group=group, **OPEN)
