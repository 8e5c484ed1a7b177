"""A neXtSIM-DG restart: groups structure, metadata and data; what it must have and accepts.

hice and hsnow are means of the cell; the first component of a discontinuous Galerkin field is its
mean; damage is 1 where the ice is intact, the reverse of `sid`; land is missing (1.7e38 or so).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import RestartError
from ..fields import DRIFT
from ..grid import Grid
from ..state import State
from .acceptance import Finding, finding
from .donors import nearest
from .restart_file import RestartFile, read_restart

FIELDS = {"sic": "cice", "sit": "hice", "snt": "hsnow", "siu": "u", "siv": "v", "sid": "damage"}
REQUIRED = ("cice", "hice", "hsnow", "tice", "mask")
TIME, TIME_TEXT = "metadata/time/time", "metadata/time/formatted"
MIN_THICKNESS = 0.01  # m of ice, hice / cice: the model removes thinner ice (hMin)
MISSING = 1e30
MAX_THICKNESS, MAX_SPEED, COLDEST = 20.0, 2.0, -100.0
ROUND_OFF = 1e-9
INTACT = 1.0


@dataclass(frozen=True, eq=False)
class NextsimRestart:
    """`date`: (year, month, day); `mean(name)` (y, x), of any layout."""

    file: RestartFile
    date: tuple[int, int, int]

    def __contains__(self, name: str) -> bool:
        return f"data/{name}" in self.file.values

    def __getitem__(self, name: str) -> np.ndarray:
        return self.file.values[f"data/{name}"]

    @property
    def shape(self) -> tuple[int, int]:
        return self["mask"].shape

    @property
    def ocean(self) -> np.ndarray:
        """(y, x) bool"""
        return self["mask"] > 0.5

    def mean(self, name: str) -> np.ndarray:
        """(y, x) view: the cell's mean of a field with or without components, its top layer."""
        values = self[name]
        if "dg_comp" in self.file.dimensions[f"data/{name}"]:
            return values[..., 0]
        return values if values.ndim == 2 else values[0]


def read_nextsim_restart(path: Path) -> NextsimRestart:
    """Read a restart; RestartError unless it has what neXtSIM-DG reads, on one grid."""
    file = read_restart(path)
    for name in (*(f"data/{name}" for name in REQUIRED), TIME):
        if name not in file.values:
            raise RestartError(
                f"{path} has no variable '{name}': give a restart that neXtSIM-DG wrote"
            )
    restart = NextsimRestart(file, _date_of(file))
    for name in (*FIELDS.values(), "tice"):
        if name not in restart:
            continue
        if restart[name].dtype != np.float64 or not _fits(restart, name):
            raise RestartError(
                f"{path}: '{name}' is {restart[name].dtype} of shape {restart[name].shape}, which "
                f"does not go with the mask of shape {restart['mask'].shape}: give a restart of "
                "one grid that neXtSIM-DG wrote"
            )
    return restart


def _fits(restart: NextsimRestart, name: str) -> bool:
    shape, grid = restart[name].shape, restart["mask"].shape
    if len(grid) != 2 or 0 in shape:
        return False
    if "dg_comp" in restart.file.dimensions[f"data/{name}"]:
        return shape[:-1] == grid
    return shape == grid or (name == "tice" and shape[1:] == grid)


def _date_of(file: RestartFile) -> tuple[int, int, int]:
    """The date that the file says in words, if it does: true files have another number beside."""
    try:
        if TIME_TEXT in file.texts:
            time = datetime.datetime.fromisoformat(file.texts[TIME_TEXT].removesuffix("Z"))
        else:
            seconds = datetime.timedelta(seconds=int(file.values[TIME]))
            time = datetime.datetime(1970, 1, 1) + seconds
    except (OverflowError, TypeError, ValueError) as error:
        raise RestartError(
            f"{file.path} has a time that is no date ({error}): take an undamaged restart"
        ) from error
    return time.year, time.month, time.day


def checks(restart: NextsimRestart, kcatbound: int | None = None) -> list[Finding]:
    """All checks in order; `kcatbound` is of other models. Land is not looked at but for ice."""
    with np.errstate(all="ignore"):
        return list(_checks(restart))


def _checks(restart: NextsimRestart) -> Iterator[Finding]:
    ocean = restart.ocean
    mask = restart["mask"]
    yield finding("mask neither 0 nor 1", "abort", (mask != 0) & (mask != 1), mask)
    means = {n: restart.mean(n) for n in (*FIELDS.values(), "tice") if n in restart}
    for name, values in means.items():
        known = np.isfinite(restart[name]) & (np.abs(restart[name]) < MISSING)
        components = known.ndim > 2 and known.shape[:2] == ocean.shape
        known = known.all(axis=-1) if components else np.broadcast_to(known, (1, *known.shape))
        known = known if components else known.reshape(-1, *ocean.shape).all(axis=0)
        yield finding(f"{name} missing in the ocean", "abort", ocean & ~known, values)
    cice, hice, hsnow = means["cice"], means["hice"], means["hsnow"]
    yield finding("cice below zero", "swallow", ocean & (cice < 0), cice)
    yield finding("cice above 1", "swallow", ocean & (cice > 1 + ROUND_OFF), cice)
    yield finding("hice below zero", "swallow", ocean & (hice < 0), hice)
    yield finding("hsnow below zero", "swallow", ocean & (hsnow < 0), hsnow)
    yield finding("area without volume", "swallow", ocean & (cice > 0) & (hice <= 0), cice)
    yield finding("volume without area", "swallow", ocean & (cice <= 0) & (hice > 0), hice)
    yield finding("snow without ice", "swallow", ocean & (cice <= 0) & (hsnow > 0), hsnow)
    thickness = np.divide(hice, cice, out=np.zeros_like(hice), where=ocean & (cice > 0))
    too_thick = thickness > MAX_THICKNESS * (1 + ROUND_OFF)
    yield finding("ice above 20 m", "swallow", too_thick, thickness)
    thin = ocean & (cice > 0) & (thickness < MIN_THICKNESS)
    yield finding("ice thinner than 0.01 m", "note", thin, thickness, badness=-thickness)
    yield from _other_checks(means, ocean, ocean & (cice > 0))


def _other_checks(
    means: dict[str, np.ndarray], ocean: np.ndarray, ice: np.ndarray
) -> Iterator[Finding]:
    tice = means["tice"]
    yield finding("tice outside -100 to 0 C", "swallow",
                  ice & ((tice < COLDEST) | (tice > ROUND_OFF)), tice)  # fmt: skip
    if "damage" in means:
        damage = means["damage"]
        outside = ice & ((damage < -ROUND_OFF) | (damage > 1 + ROUND_OFF))
        yield finding("damage outside 0 to 1", "swallow", outside, damage)
    if "u" in means and "v" in means:
        speed = np.where(ocean, np.hypot(means["u"], means["v"]), 0.0)
        yield finding("drift above 2 m/s", "swallow", speed > MAX_SPEED, speed)


def aggregate(restart: NextsimRestart, grid: Grid) -> State:
    """The restart's own state on `grid`, drift at the cell's centre, land zero."""
    names = tuple(name for name, theirs in FIELDS.items() if theirs in restart)
    values = [np.where(restart.ocean, restart.mean(FIELDS[name]), 0.0) for name in names]
    if "sid" in names:
        ice = values[0] > 0
        values[names.index("sid")] = np.where(ice, INTACT - values[names.index("sid")], 0.0)
    return State(np.stack(values), names, replace(grid, drift_location="centre"))


def aggregate_on(restart: NextsimRestart, grid: Grid) -> State:
    """`aggregate` with the drift where `grid` has it."""
    state = aggregate(restart, grid)
    values = state.values.copy()
    for name in DRIFT if grid.drift_location == "northeast" else ():
        if name in state:
            values[state.names.index(name)] = _at_corners(state[name], grid)
    return State(values, state.names, grid)


def with_state(
    restart: NextsimRestart, state: State, kcatbound: int = 0
) -> dict[str, np.ndarray]:
    """The variables of the restart that `state` changes; cells that are as before keep each bit."""
    ocean = restart.ocean
    fields = {FIELDS[n]: state[n] for n in state.names if FIELDS[n] in restart}
    if state.grid.drift_location == "northeast":
        fields |= {n: _at_centres(fields[n], ocean) for n in ("u", "v") if n in fields}
    ice = fields["cice"] > 0
    _gather_thin_ice(fields)
    if "damage" in fields:
        fields["damage"] = _damage(restart.mean("damage"), fields["damage"], ice)
    elif "damage" in restart:
        was_ice = restart.mean("cice") > 0
        fields["damage"] = np.where(was_ice, restart.mean("damage"), INTACT)
    changes = {name: _changed(restart, name, values) for name, values in fields.items()}
    changes["tice"] = _temperature(restart, ice & ocean)
    return {
        f"data/{name}": values
        for name, values in changes.items()
        if values.tobytes() != restart[name].tobytes()
    }


def _damage(old: np.ndarray, sid: np.ndarray, ice: np.ndarray) -> np.ndarray:
    """Their damage of ours, the same bits where the two say the same."""
    return np.where(ice, np.where(sid == INTACT - old, old, INTACT - sid), INTACT)


def _gather_thin_ice(fields: dict[str, np.ndarray]) -> None:
    """Ice that the model would remove as too thin is put on less area, volume and all."""
    cice, hice = fields["cice"], fields["hice"]
    most = hice / (MIN_THICKNESS * (1 + ROUND_OFF))
    fields["cice"] = np.where((cice > 0) & (cice > most), most, cice)


def _at_centres(drift: np.ndarray, ocean: np.ndarray) -> np.ndarray:
    """Mean of the four corners of each cell."""
    padded = np.pad(drift, ((1, 0), (1, 0)))
    four = padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]
    return np.where(ocean, four / 4, 0.0)


def _at_corners(drift: np.ndarray, grid: Grid) -> np.ndarray:
    """Mean of the four cells around each corner that has ocean all around."""
    padded = np.pad(drift, ((0, 1), (0, 1)))
    four = padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]
    return np.where(grid.drift_mask, four / 4, 0.0)


def _changed(restart: NextsimRestart, name: str, values: np.ndarray) -> np.ndarray:
    """The whole variable with new means where they differ, and no slopes there."""
    whole, old = restart[name].copy(), restart.mean(name)
    cells = restart.ocean & (values != old)
    if whole.ndim == 2:
        whole[cells] = values[cells]
    else:
        whole[cells] = 0.0
        whole[..., 0][cells] = values[cells]
    return whole


def _temperature(restart: NextsimRestart, ice: np.ndarray) -> np.ndarray:
    """New ice is as cold as the nearest ice, open water as the nearest open water."""
    old, was_ice = restart["tice"], restart.ocean & (restart.mean("cice") > 0)
    old_layers = old.reshape(-1, ice.size)
    layers = old_layers.copy()
    for now, before in ((ice, was_ice), (~ice & restart.ocean, ~was_ice & restart.ocean)):
        cells = (now & ~before).ravel()
        if before.any():
            layers[:, cells] = old_layers[:, nearest(before).ravel()[cells]]
        else:
            layers[:, cells] = 0.0
    return layers.reshape(old.shape)
