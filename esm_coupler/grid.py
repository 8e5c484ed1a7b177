"""The horizontal grid of a state: ocean mask, coordinates, and where the drift lives."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import DomainError

if TYPE_CHECKING:
    import xarray

DRIFT_LOCATIONS = ("centre", "northeast")


@dataclass(frozen=True, eq=False)
class Grid:
    """Arrays of shape (y, x): mask (True = ocean), lat and lon [degrees], cell_area [m2] and
    angle [radians, from east to grid x]. `drift_location` says whether siu and siv live at the
    cell centre or at its north-east corner (CICE's B-grid)."""

    mask: np.ndarray
    lat: np.ndarray
    lon: np.ndarray
    cell_area: np.ndarray
    angle: np.ndarray
    drift_location: str = "northeast"

    def __post_init__(self) -> None:
        if self.drift_location not in DRIFT_LOCATIONS:
            raise DomainError(
                f"drift location '{self.drift_location}' is unknown: choose from "
                f"{', '.join(DRIFT_LOCATIONS)}"
            )
        for name in ("lat", "lon", "cell_area", "angle"):
            shape = getattr(self, name).shape
            if shape != self.mask.shape:
                raise DomainError(f"{name} has shape {shape}, the mask has {self.mask.shape}")

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.mask.shape

    @cached_property
    def drift_mask(self) -> np.ndarray:
        """(y, x) bool: points where drift may live. A corner needs four ocean cells around it."""
        if self.drift_location == "centre":
            return self.mask
        return corners(self.mask, all_of=True)

    @cached_property
    def mask_hash(self) -> str:
        """sha256 of the mask and its shape, to tell grids apart."""
        digest = hashlib.sha256(repr(self.shape).encode())
        digest.update(np.packbits(self.mask).tobytes())
        return digest.hexdigest()

    def with_mask(self, mask: np.ndarray) -> Grid:
        """The same grid with another ocean mask (y, x)."""
        return replace(self, mask=np.asarray(mask, dtype=bool))

    def touched_by(self, ice: np.ndarray) -> np.ndarray:
        """(y, x) bool: drift points that at least one cell of `ice` (y, x) touches."""
        return ice if self.drift_location == "centre" else corners(ice, all_of=False)

    def to_dataset(self) -> xarray.Dataset:
        """CF dataset with lat, lon, mask, cell_area and angle."""
        import xarray

        def variable(values: np.ndarray, **attributes: Any) -> tuple:
            return ("y", "x"), values, attributes

        return xarray.Dataset(
            {
                "mask": variable(self.mask.astype("i1"), long_name="ocean mask",
                                 flag_values=np.array([0, 1], "i1"), flag_meanings="land ocean"),
                "cell_area": variable(self.cell_area, units="m2", standard_name="cell_area"),
                "angle": variable(self.angle, units="radians",
                                  long_name="angle from east to grid x"),
            },
            coords={
                "lat": variable(self.lat, units="degrees_north", standard_name="latitude"),
                "lon": variable(self.lon, units="degrees_east", standard_name="longitude"),
            },
            attrs={"Conventions": "CF-1.11", "drift_location": self.drift_location},
        )  # fmt: skip

    def to_netcdf(self, path: str | Path, overwrite: bool = False) -> None:
        """Write the grid, for hosts that take theirs from a checkpoint; OutputError if the file
        exists (unless `overwrite`) or cannot be written."""
        from .atomic import write_dataset

        write_dataset(self.to_dataset(), Path(path), overwrite=overwrite)


def corners(cells: np.ndarray, *, all_of: bool) -> np.ndarray:
    """(y, x) bool at north-east corners: whether all (or any) of the four cells around are set.

    The last row and column have no cells beyond them: outside the grid counts as not set.
    """
    padded = np.pad(cells, ((0, 1), (0, 1)))
    four = (padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:])
    return np.logical_and.reduce(four) if all_of else np.logical_or.reduce(four)
