"""Where the values of halo cells come from: a closed, a cyclic or a tripolar global grid.

Indices here count from 0 and may lie outside the grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..errors import DomainError
from ..fields import DRIFT
from .domain import Block, rim_slices

HaloFill = Literal["none", "closed", "cyclic", "tripole_t", "tripole_f"]


@dataclass(frozen=True)
class Sources:
    """For each halo cell the flat `index` of the cell that it copies; which of them have none
    and are zero; and which are turned around, so that drift changes its sign."""

    index: np.ndarray
    zero: np.ndarray
    turned: np.ndarray

    def copy(self, field: np.ndarray, out: np.ndarray) -> None:
        """Values of a field (y, x) to `out` (cell,)."""
        np.take(field.reshape(-1), self.index, out=out)
        out[self.zero] = 0.0
        out[self.turned] = -out[self.turned]


class Halo:
    """Sources of halo cells on a global grid of (ny, nx) cells, for fields at cell centres and
    for drift at `drift_location`."""

    def __init__(self, fill: HaloFill, drift_location: str, nx: int, ny: int) -> None:
        """DomainError if the grid cannot be folded."""
        if fill.startswith("tripole") and nx % 2:
            raise DomainError(
                f"halo_fill = '{fill}' folds the northern row in the middle, but nx_global is "
                f"{nx}: it must be even"
            )
        self._fill = fill
        self._drift_at_corners = drift_location == "northeast"
        self._nx, self._ny = nx, ny

    def mend_seam(self, name: str, field: np.ndarray) -> None:
        """Give points of the fold that are one place twice in the grid one value, that of the
        point with the lower index, as NEMO does; `field` is (y, x)."""
        if not self._fill.startswith("tripole"):
            return
        own = np.arange(self._nx)
        j, i = self._fold(name, np.full(self._nx, self._ny - 1), own)
        inside = j < self._ny
        source = j * self._nx + i % self._nx
        twice = inside & (source < (self._ny - 1) * self._nx + own)
        sign = -1.0 if name in DRIFT else 1.0
        field[-1, own[twice]] = sign * field.reshape(-1)[source[twice]]

    def sources(self, name: str, cells: np.ndarray) -> Sources:
        """Where the field `name` has its values for `cells` (j and i, cell) from."""
        j, i = cells
        turned = np.zeros(j.size, bool)
        if self._fill.startswith("tripole"):
            beyond = j >= self._ny
            fold_j, fold_i = self._fold(name, j, i)
            j, i = np.where(beyond, fold_j, j), np.where(beyond, fold_i, i)
            turned = beyond & (name in DRIFT)
        if self._fill != "closed":
            i = i % self._nx
        inside = (j >= 0) & (j < self._ny) & (i >= 0) & (i < self._nx)
        index = np.where(inside, j * self._nx + i, 0)
        return Sources(index, np.flatnonzero(~inside), np.flatnonzero(turned))

    def _fold(self, name: str, j: np.ndarray, i: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The point that lies where (j, i) is, seen across the fold.

        The fold turns the plane by 180 degrees about a pivot: a T point of the last row
        (NEMO's T pivot, CICE's tripoleT) or the corner north-east of it (NEMO's F pivot, CICE's
        tripole). A corner lies half a cell up and right, so it is turned to one cell less.
        """
        about_t = int(self._fill == "tripole_t")
        corner = int(name in DRIFT and self._drift_at_corners)
        return 2 * self._ny - 1 - about_t - corner - j, self._nx - 1 + about_t - corner - i


def rim_cells(blocks: Sequence[Block], halo: int) -> np.ndarray:
    """j and i (2, cell) of the halo cells of blocks, in the order of `Domain.rims`."""
    parts = [
        np.mgrid[rows, columns].reshape(2, -1)
        + np.array([[b.j_first - 1 - halo], [b.i_first - 1 - halo]])
        for b in blocks
        for rows, columns in rim_slices(b, halo)
    ]
    return np.concatenate(parts, axis=1) if parts else np.zeros((2, 0), np.int64)
