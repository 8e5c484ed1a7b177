"""A state from the grid of its checkpoint to that of a host, by sparse weights from a file.

The file is made once, by `esm-coupler weights` (see overlap.py), and read by a host without any
library of NetCDF. It has the format of a checkpoint: safetensors with a manifest and a hash.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import CheckpointError
from .fields import FIELDS
from .generator.checkpoint import read_checkpoint, write_checkpoint
from .grid import Grid
from .state import State

_GRID_ARRAYS = ("mask", "lat", "lon", "cell_area", "angle")


@dataclass(frozen=True, eq=False)
class Sparse:
    """Weights w of host cells `row` and checkpoint cells `column`, flat indices (weight,)."""

    row: np.ndarray
    column: np.ndarray
    weight: np.ndarray

    def apply(self, field: np.ndarray, n_rows: int) -> np.ndarray:
        """Flat (n_rows,): sums in the order of the file, so always the same bits."""
        values = self.weight * field.reshape(-1)[self.column]
        return np.bincount(self.row, values, minlength=n_rows)


@dataclass(frozen=True, eq=False)
class Weights:
    """From cells of the checkpoint, whose mask has `source_hash`, to those of the host's `grid`.

    `cells` gives means over the ocean that a host's cell shares with the checkpoint; its weights
    add up to one in each cell. `along` and `across` turn and interpolate drift: u = along u' -
    across v', v = across u' + along v'. `shared_area` (y, x) is that ocean in m2 on a sphere.
    """

    grid: Grid
    source_hash: str
    cells: Sparse
    along: Sparse
    across: Sparse
    shared_area: np.ndarray

    def apply(self, state: State) -> State:
        """The state on the host's grid: zero on its land and outside the checkpoint's region."""
        rows = [self._field(state, name) for name in state.names]
        values = np.stack(rows).reshape(len(rows), *self.grid.shape)
        return State(values, state.names, self.grid)

    def _field(self, state: State, name: str) -> np.ndarray:
        size = self.grid.mask.size
        if name == "siu":
            return self.along.apply(state["siu"], size) - self.across.apply(state["siv"], size)
        if name == "siv":
            return self.across.apply(state["siu"], size) + self.along.apply(state["siv"], size)
        over_ice = FIELDS[name].cell_methods.endswith("where sea_ice")
        mean = self._mean_over_ice(state, name) if over_ice else self.cells.apply(state[name], size)
        return np.clip(mean, FIELDS[name].lower, FIELDS[name].upper)  # sums end at 1 + round-off

    def _mean_over_ice(self, state: State, name: str) -> np.ndarray:
        """Of what is a property of the ice, such as damage: weighted by its area."""
        area = self.cells.apply(state["sic"], self.grid.mask.size)
        total = self.cells.apply(state[name] * state["sic"], self.grid.mask.size)
        return np.divide(total, area, out=np.zeros_like(total), where=area > 0)


def write_weights(path: Path, weights: Weights, provenance: dict[str, str]) -> str:
    """Write atomically; returns the sha256 of the content."""
    grid = weights.grid
    tensors = {f"grid.{name}": getattr(grid, name) for name in _GRID_ARRAYS}
    tensors |= {"grid.mask": grid.mask.astype(np.uint8), "shared_area": weights.shared_area}
    for name in ("cells", "along", "across"):
        tensors |= {f"{name}.{key}": value for key, value in vars(getattr(weights, name)).items()}
    manifest = {
        "kind": "weights", "source_mask_sha256": weights.source_hash,
        "drift_location": grid.drift_location, "provenance": provenance,
    }  # fmt: skip
    return write_checkpoint(path, manifest, tensors)


def read_weights(path: str | Path, source: Grid) -> Weights:
    """Weights for states on the grid `source`; CheckpointError for those of another one."""
    file = read_checkpoint(path, kind="weights")
    if file.manifest["source_mask_sha256"] != source.mask_hash:
        raise CheckpointError(
            f"the weights in '{path}' were made for a checkpoint of another grid: make them again "
            f"with 'esm-coupler weights'"
        )
    arrays = file.group("grid")
    arrays["mask"] = arrays["mask"].astype(bool)
    grid = Grid(*(arrays[name] for name in _GRID_ARRAYS), file.manifest["drift_location"])
    sparse = [Sparse(**file.group(name)) for name in ("cells", "along", "across")]
    for part in sparse:
        _check_indices(path, part, grid.mask.size, source.mask.size)
    return Weights(grid, source.mask_hash, *sparse, file.tensors["shared_area"])


def _check_indices(path: str | Path, part: Sparse, n_rows: int, n_columns: int) -> None:
    for index, size in ((part.row, n_rows), (part.column, n_columns)):
        if index.size and not 0 <= index.min() <= index.max() < size:
            raise CheckpointError(f"the weights in '{path}' point outside their grids")
