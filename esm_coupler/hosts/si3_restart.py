"""A restart of SI3, the ice of NEMO (restart_ice.nc): what it has, what it accepts, states into it.

Most of it is extensive: a layer's enthalpy e_i_lNN, e_s_lNN is J per m2 of cell and positive, sv_i
is salinity times volume. Only t_su [K] is not. Dimensions: (time_counter, numcat, y, x).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import RestartError
from ..grid import Grid
from ..state import State
from .acceptance import Finding, finding, grouped
from .donors import nearest_similar, tracer_sources
from .itd import Categories, rescale
from .restart_file import RestartFile, read_restart

STATE = ("a_i", "v_i", "v_s")
REQUIRED = (*STATE, "sv_i", "t_su", "u_ice", "v_ice", "e_i_l01", "e_s_l01", "kt_ice", "nn_fsbc")
BASES = {"sv_i": "v_i", "e_i": "v_i", "e_s": "v_s", "oa_i": "a_i", "a_ip": "a_i", "v_ip": "a_i",
         "v_il": "a_i"}  # fmt: skip
LAYER = re.compile(r"(e_i|e_s)_l\d\d")
STRESSES = ("stress1_i", "stress2_i", "stress12_i")
MEAN_THICKNESS = 2.0  # m, rn_himean of namitd: makes the bounds of the categories
THICKEST = 99.0  # m
MAX_AREA = 0.997  # rn_amax_n: more is taken away at the first step
RHO_ICE, RHO_SNOW, LATENT_HEAT, CP_ICE = 917.0, 330.0, 3.34e5, 2067.0  # phycst.F90
ZERO_CELSIUS = 273.15
MAX_SPEED, ROUND_OFF = 2.0, 1e-9


@dataclass(frozen=True, eq=False)
class Si3Restart:
    """`restart[name]`: (ncat, y, x) or (y, x), without the time dimension."""

    file: RestartFile

    def __contains__(self, name: str) -> bool:
        return name in self.file.values

    def __getitem__(self, name: str) -> np.ndarray:
        return self.file.values[name][0]

    @property
    def shape(self) -> tuple[int, int]:
        return self["u_ice"].shape

    @property
    def n_categories(self) -> int:
        return len(self["a_i"])

    @property
    def ocean(self) -> np.ndarray:
        """(y, x) bool: on land the surface is at 0 K."""
        return (self["t_su"] > 0).any(axis=0)

    def layers(self, name: str) -> list[str]:
        """Names of the layers of e_i or e_s, the top one first."""
        return sorted(n for n in self.file.values if LAYER.fullmatch(n) and n.startswith(name))

    def categories(self) -> Categories:
        """(category, cell)"""
        return Categories(*(_flat(self[name]) for name in STATE))


def category_bounds(n_categories: int) -> np.ndarray:
    """float64 (n_categories + 1,) bounds [m] of ln_cat_hfn (ice_itd_init)."""
    n = np.arange(n_categories + 1)
    steep = (3 * MEAN_THICKNESS + 1) ** 0.05
    bounds = (n_categories * steep / ((n_categories - n) * steep + n)) ** 20 - 1
    return np.concatenate([[0.0], bounds[1:-1], [THICKEST]])


def read_si3_restart(path: Path) -> Si3Restart:
    """Read a restart; RestartError unless it has what SI3 reads, on one grid."""
    file = read_restart(path)
    for name in REQUIRED:
        if name not in file.values:
            raise RestartError(f"{path} has no variable '{name}': give a restart that SI3 wrote")
    categories = file.values["a_i"].shape
    grid = (1, *categories[2:])
    if len(categories) != 4 or categories[0] != 1 or 0 in categories:
        raise RestartError(
            f"{path}: 'a_i' has shape {categories}, needed is (1, numcat, y, x): give one restart "
            "for the whole grid"
        )
    for name, values in file.values.items():
        with_categories = name in (*STATE, "t_su", *BASES) or LAYER.fullmatch(name)
        level = name in ("u_ice", "v_ice", *STRESSES)
        if not with_categories and not level:
            continue
        needed = categories if with_categories else grid
        if values.shape != needed or values.dtype != np.float64:
            raise RestartError(
                f"{path}: '{name}' is {values.dtype} of shape {values.shape}, needed is float64 of "
                f"shape {needed}: the restart is of two grids, of two numbers of categories, or "
                "was written in single precision"
            )
    return Si3Restart(file)


def checks(restart: Si3Restart, kcatbound: int | None = None) -> list[Finding]:
    """All checks in order; `kcatbound` is of other models."""
    infinite = grouped("values not finite", "abort", (
        finding(f"{name} not finite", "abort", ~np.isfinite(restart[name]), restart[name])
        for name, values in restart.file.values.items() if values.ndim > 2
    ))  # fmt: skip
    if infinite[0].cells:
        return infinite
    with np.errstate(all="ignore"):
        return [*infinite, *_state_checks(restart), *_tracer_checks(restart)]


def _state_checks(restart: Si3Restart) -> Iterator[Finding]:
    area, volume, snow = (restart[name] for name in STATE)
    total = restart.categories().total()[0].reshape(restart.shape)
    yield finding("a_i below zero", "swallow", area < 0, area)
    yield finding("sum of a_i above 1", "abort", total > 1 + ROUND_OFF, total)
    yield finding("v_i below zero", "swallow", volume < 0, volume)
    yield finding("v_s below zero", "swallow", snow < 0, snow)
    yield finding("area without volume", "swallow", (area > 0) & (volume <= 0), area)
    yield finding("volume without area", "swallow", (area <= 0) & (volume > 0), volume)
    yield finding("snow without ice", "swallow", (area <= 0) & (snow > 0), snow)
    yield finding("ice on land", "swallow", (area > 0) & ~restart.ocean, area)
    bounds = category_bounds(restart.n_categories)[:, None, None]
    ice = (area > 0) & (volume > 0)
    thickness = np.divide(volume, area, out=np.zeros_like(volume), where=ice)
    outside = ice & ((thickness < bounds[:-1]) | (thickness > bounds[1:]))
    yield finding("thickness outside its category", "swallow", outside, thickness)


def _tracer_checks(restart: Si3Restart) -> Iterator[Finding]:
    volume, snow, surface = restart["v_i"], restart["v_s"], restart["t_su"]
    ice, snowy = volume > 0, snow > 0
    for name, base, where in (("e_i", volume, ice), ("e_s", snow, snowy)):
        layers = restart.layers(name)
        yield from grouped(f"{name} outside 0 to 6e8 J m-3", "abort", (
            finding(f"{layer} outside 0 to 6e8 J m-3", "abort", where & ~(
                (restart[layer] > 0) & (restart[layer] * len(layers) < 6e8 * base)), restart[layer])
            for layer in layers
        ))  # fmt: skip
    salinity = np.divide(restart["sv_i"], volume, out=np.zeros_like(volume), where=ice)
    yield finding("salinity outside 0 to 50", "abort", ice & ~(
        (salinity > 0) & (salinity <= 50)), salinity)  # fmt: skip
    yield finding("t_su outside 173 to 273.15 K", "swallow", ice & ~(
        (surface > 173) & (surface <= ZERO_CELSIUS + 1e-6)), surface)  # fmt: skip
    speed = np.hypot(restart["u_ice"], restart["v_ice"])
    yield finding("drift above 2 m/s", "swallow", speed > MAX_SPEED, speed)


def require_ice(restart: Si3Restart) -> None:
    """RestartError if the restart has no ice to take columns from."""
    if not (restart["a_i"] > 0).any():
        raise RestartError(
            f"{restart.file.path} has no ice from which new ice could take its enthalpy: give a "
            "template with ice"
        )


def aggregate(restart: Si3Restart, grid: Grid) -> State:
    """The restart's own sic, sit and snt on `grid`; its drift lives on faces and is no part."""
    totals = [total.reshape(grid.shape) for total in restart.categories().total()]
    return State(np.stack(totals), ("sic", "sit", "snt"), grid)


def aggregate_on(restart: Si3Restart, grid: Grid) -> State:
    """`aggregate` with the drift, from the faces to where `grid` has it."""
    state = aggregate(restart, grid)
    drift = [
        _from_faces(restart[name], grid, along) for name, along in (("u_ice", 1), ("v_ice", 0))
    ]
    return State(np.concatenate([state.values, drift]), (*state.names, "siu", "siv"), grid)


def _from_faces(drift: np.ndarray, grid: Grid, along: int) -> np.ndarray:
    """The mean of the two faces beside each drift point; zero where there is none."""
    if grid.drift_location == "northeast":
        beside = np.roll(drift, -1, axis=1 - along)
    else:
        beside = np.roll(drift, 1, axis=along)
    return np.where(grid.drift_mask, (drift + beside) / 2, 0.0)


def with_state(restart: Si3Restart, state: State, kcatbound: int = 0) -> dict[str, np.ndarray]:
    """The variables of the restart that `state` changes; cells that are as before keep each bit.

    The restart has some ice (see `require_ice`). `kcatbound` is of other models.
    """
    before = restart.categories()
    old_area = before.total()[0]
    sic = state["sic"].ravel()
    sic = np.where(sic == old_area, sic, np.minimum(sic, MAX_AREA))
    donor = nearest_similar(state["sic"], old_area.reshape(restart.shape)).ravel()
    lent = Categories(*(part[:, donor] for part in (before.area, before.volume, before.snow)))
    totals = (sic, state["sit"].ravel(), state["snt"].ravel())
    new = rescale(*totals, lent, category_bounds(restart.n_categories))
    changed = new.differs(before)
    made = dict(zip(STATE, (new.area, new.volume, new.snow), strict=True))
    made |= _tracers(restart, made, tracer_sources(lent.area > 0, donor))
    cells = {name: np.where(changed, values, _flat(restart[name])) for name, values in made.items()}
    cells |= _levels(restart, state, new, changed)
    whole = {n: v.reshape(restart.file.values[n].shape).astype(restart.file.values[n].dtype)
             for n, v in cells.items()}  # fmt: skip
    return {n: v for n, v in whole.items() if v.tobytes() != restart.file.values[n].tobytes()}


def _tracers(
    restart: Si3Restart, made: dict[str, np.ndarray], source: np.ndarray
) -> dict[str, np.ndarray]:
    """(category, cell) of each tracer: what its base brings along from the source."""
    ice = made["a_i"] > 0
    surface = _flat(restart["t_su"])
    empty = np.where(restart.ocean.ravel(), ZERO_CELSIUS, 0.0)
    tracers = {"t_su": np.where(ice, surface.ravel()[source], empty)}
    for name in restart.file.values:
        stem = LAYER.fullmatch(name)[1] if LAYER.fullmatch(name) else name
        if stem not in BASES:
            continue
        base = BASES[stem]
        old, old_base = (_flat(restart[n]).ravel()[source] for n in (name, base))
        per_base = np.divide(old, old_base, out=np.zeros_like(old), where=old_base > 0)
        if stem == "e_s":  # where the source has no snow it is as cold as the surface
            cold = np.maximum(ZERO_CELSIUS - tracers["t_su"], 0.0)
            fresh = RHO_SNOW * (LATENT_HEAT + CP_ICE * cold) / len(restart.layers("e_s"))
            per_base = np.where(old_base > 0, per_base, fresh)
        tracers[name] = np.where(ice, per_base * made[base], 0.0)
    return tracers


def _levels(
    restart: Si3Restart, state: State, new: Categories, changed: np.ndarray
) -> dict[str, np.ndarray]:
    """Fields of one level (cell): drift on faces, stresses of other ice, mass of ice and snow."""
    _, volume, snow = new.total()
    levels = {name: np.where(changed, 0.0, restart[name].ravel())
              for name in STRESSES if name in restart}  # fmt: skip
    mass = RHO_ICE * volume + RHO_SNOW * snow
    for name in ("snwice_mass", "snwice_mass_b"):
        if name in restart:
            levels[name] = np.where(changed, mass, restart[name].ravel())
    if "siu" in state and "siv" in state:
        ice = (volume > 0).reshape(restart.shape)
        for name, field, along in (("u_ice", "siu", 1), ("v_ice", "siv", 0)):
            levels[name] = _on_faces(state[field], state.grid, ice, along).ravel()
    return levels


def _on_faces(drift: np.ndarray, grid: Grid, ice: np.ndarray, along: int) -> np.ndarray:
    """Drift (y, x) at the faces that NEMO's C-grid has `along` an axis: the mean of the two points
    beside it; zero at faces with land on a side or no ice on either."""
    if grid.drift_location == "northeast":  # the corners at both ends of the face
        beside = np.roll(drift, 1, axis=1 - along)
    else:
        beside = np.roll(drift, -1, axis=along)
    ahead = (np.roll(cells, -1, axis=along) for cells in (grid.mask, ice))
    both_ocean, some_ice = grid.mask & next(ahead), ice | next(ahead)
    return np.where(both_ocean & some_ice, (drift + beside) / 2, 0.0)


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)
