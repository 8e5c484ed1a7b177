"""A generated state put into a CICE restart: categories, tracers, drift, stresses, masks.

What the state does not change stays as it was, to the bit: the aggregate of a restart put back
into it gives the restart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import RestartError
from ..grid import Grid, corners
from ..state import State
from .cice_restart import OCEAN_STRESSES, STATE, STRESSES, CiceRestart
from .cice_thermo import ice_enthalpy, salinity_profile, snow_enthalpy
from .donors import nearest, nearest_similar, tracer_sources
from .itd import Categories, rescale

FREEZING = -1.8  # degrees C, where no cell of the restart tells another freezing point
_FREEZES = (-3.0, -0.5)  # what a freezing point can be


def aggregate(restart: CiceRestart, grid: Grid) -> State:
    """The restart's own state: sic, sit, snt, siu and siv on `grid`.

    RestartError if the grids differ.
    """
    inside = interior(restart, grid)
    totals = (total.reshape(restart.shape)[inside] for total in restart.categories().total())
    values = [*totals, restart["uvel"][inside], restart["vvel"][inside]]
    return State(np.stack(values), ("sic", "sit", "snt", "siu", "siv"), grid)


def interior(restart: CiceRestart, grid: Grid) -> tuple[slice, slice]:
    """The part of the restart's arrays that is `grid`: all, or all but one ring of ghost cells."""
    for halo in (0, 1):
        if restart.shape == (grid.shape[0] + 2 * halo, grid.shape[1] + 2 * halo):
            return tuple(slice(halo, halo + n) for n in grid.shape)
    raise RestartError(
        f"{restart.file.path} has {restart.shape[1]} x {restart.shape[0]} cells, the checkpoint "
        f"has {grid.shape[1]} x {grid.shape[0]} (or two more each way, with ghost cells): give a "
        "template of the checkpoint's grid"
    )


def with_state(restart: CiceRestart, state: State, bounds: np.ndarray) -> dict[str, np.ndarray]:
    """The variables of the restart that `state` changes, whole arrays with their ghost cells.

    `bounds` are those of the categories [m].
    """
    inside = interior(restart, state.grid)
    cut = {name: values[(..., *inside)] for name, values in restart.values.items()}
    columns = _Columns.of(cut, state, bounds)
    new = columns.values() | _mixed_layer(cut, columns)
    new |= _dynamics(cut, state, columns)
    return {
        name: _put_back(restart[name], inside, values)
        for name, values in new.items()
        if values.tobytes() != cut[name].tobytes()
    }


def _put_back(whole: np.ndarray, inside: tuple, values: np.ndarray) -> np.ndarray:
    whole = whole.copy()
    whole[(..., *inside)] = values
    return whole


@dataclass(frozen=True, eq=False)
class _Columns:
    """Columns before and after: `old` variables (..., y, x), `new` categories (category, cell),
    `source` the flat index into (category, cell) that each takes its tracers from, -1 if none."""

    old: dict[str, np.ndarray]
    before: Categories
    new: Categories
    source: np.ndarray

    @classmethod
    def of(cls, cut: dict[str, np.ndarray], state: State, bounds: np.ndarray) -> _Columns:
        before = Categories(*(_flat(cut[name]) for name in STATE))
        old_area = before.total()[0].reshape(state.grid.shape)
        donor = nearest_similar(state["sic"], old_area).ravel()
        lent = Categories(*(part[:, donor] for part in (before.area, before.volume, before.snow)))
        totals = [state[name].ravel() for name in ("sic", "sit", "snt")]
        new = rescale(*totals, lent, bounds)
        return cls(cut, before, new, tracer_sources(lent.area > 0, donor))

    @property
    def changed(self) -> np.ndarray:
        """(y, x) bool: cells in which anything of the state differs."""
        return self._cells(self.new.differs(self.before))

    @property
    def ice(self) -> np.ndarray:
        """(y, x) bool: cells with ice."""
        return self._cells((self.new.area > 0).any(axis=0))

    @property
    def is_new(self) -> np.ndarray:
        """(y, x) bool: cells with ice that had none."""
        return self.ice & ~self._cells((self.before.area > 0).any(axis=0))

    @property
    def freezing(self) -> np.ndarray:
        """(y, x) freezing point: what an empty category of this or of the nearest cell has."""
        surface, empty = self.old["Tsfcn"], self.old["aicen"] == 0
        good = empty & (surface >= _FREEZES[0]) & (surface <= _FREEZES[1])
        known = good.any(axis=0)
        if not known.any():
            return np.full(known.shape, FREEZING)
        point = np.where(good, surface, -np.inf).max(axis=0)
        return point.ravel()[nearest(known)]

    def values(self) -> dict[str, np.ndarray]:
        """aicen, vicen, vsnon and all tracers."""
        names = [n for n, v in self.old.items() if v.ndim == 3 and n not in STATE]
        made = {name: self._tracer(name) for name in names}
        for name in names:
            if name.startswith("qsno"):
                made[name] = self._snow_enthalpy(name, made[name], made["Tsfcn"])
        state = (self.new.area, self.new.volume, self.new.snow)
        made |= dict(zip(STATE, state, strict=True))
        return {
            name: np.where(self.changed, self._cells(values), self.old[name])
            for name, values in made.items()
        }

    def _tracer(self, name: str) -> np.ndarray:
        """(category, cell): from the source; from the books where there is none; empty where there
        is no ice."""
        old = _flat(self.old[name])
        ice, was_ice = self.new.area > 0, self.before.area > 0
        lent = np.where(self.source >= 0, old.ravel()[self.source], self._from_the_books(name))
        empty = self.freezing.ravel() if name == "Tsfcn" else 0.0
        return np.where(ice, lent, np.where(was_ice, empty, old))

    def _from_the_books(self, name: str) -> np.ndarray | float:
        """What new ice has in a restart without any ice: it is at its freezing point."""
        n_layers = sum(other.startswith("sice") for other in self.old)
        freezing = self.freezing.ravel()
        if name == "Tsfcn":
            return freezing
        if name in ("alvl", "vlvl"):
            return 1.0
        if name.startswith(("sice", "qice")):
            salinity = salinity_profile(n_layers)[int(name[4:]) - 1]
            return salinity if name.startswith("sice") else ice_enthalpy(freezing, salinity)
        return 0.0

    def _snow_enthalpy(self, name: str, lent: np.ndarray, surface: np.ndarray) -> np.ndarray:
        """Snow where the source has none is as cold as the surface; no snow has no enthalpy."""
        snow = self.before.snow.ravel()
        had = (self.source >= 0) & (snow[self.source] > 0)
        made = np.where(had, lent, snow_enthalpy(surface))
        return np.where(self.new.area > 0, np.where(self.new.snow > 0, made, 0.0), lent)

    def _cells(self, values: np.ndarray) -> np.ndarray:
        """(..., cell) -> (..., y, x)"""
        return values.reshape(*values.shape[:-1], *self.old["uvel"].shape)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)


def _mixed_layer(cut: dict[str, np.ndarray], columns: _Columns) -> dict[str, np.ndarray]:
    """Water under new ice is at its freezing point, or the ice would melt in a day."""
    if "sst" not in cut:
        return {}
    cold = np.minimum(cut["sst"], columns.freezing)
    return {
        "sst": np.where(columns.is_new, cold, cut["sst"]),
        "frzmlt": np.where(columns.is_new, 0.0, cut["frzmlt"]),
    }


def _dynamics(
    cut: dict[str, np.ndarray], state: State, columns: _Columns
) -> dict[str, np.ndarray]:
    """Drift where ice may drift, and no stresses that are of other ice."""
    grid, ice = state.grid, columns.ice
    allowed = corners(grid.mask, all_of=True) & corners(ice, all_of=False)
    changed = corners(columns.changed, all_of=False)
    new = {"iceumask": np.where(changed, allowed.astype(np.float64), cut["iceumask"])}
    for name, field in (("uvel", "siu"), ("vvel", "siv")):
        drift = _at_corners(state[field], grid) if field in state else cut[name]
        changed_drift = changed | (drift != cut[name])
        new[name] = np.where(changed_drift, np.where(allowed, drift, 0.0), cut[name])
    near = corners(corners(ice, all_of=False)[::-1, ::-1], all_of=False)[::-1, ::-1]
    kept = near & ~columns.changed
    for name in (*STRESSES, *OCEAN_STRESSES):
        # a zero may be negative
        new[name] = np.where(kept | (cut[name] == 0), cut[name], 0.0)
    return new


def _at_corners(drift: np.ndarray, grid: Grid) -> np.ndarray:
    """Drift at the north-east corners: where it is, or the mean of the four cells around."""
    if grid.drift_location == "northeast":
        return drift
    padded = np.pad(drift, ((0, 1), (0, 1)))
    return (padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]) / 4
