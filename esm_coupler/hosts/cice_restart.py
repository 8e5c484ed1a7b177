"""A CICE 6 restart (iced.*.nc): which variables it must have, of which shape, and its date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import RestartError
from .itd import Categories
from .restart_file import RestartFile, read_restart

STATE = ("aicen", "vicen", "vsnon")
STRESSES = tuple(
    f"{part}_{corner}" for part in ("stressp", "stressm", "stress12") for corner in range(1, 5)
)
OCEAN_STRESSES = ("strocnxT", "strocnyT")
RADIATION = ("scale_factor", "swvdr", "swvdf", "swidr", "swidf")
REQUIRED = (*STATE, "Tsfcn", "uvel", "vvel", *STRESSES, *OCEAN_STRESSES, *RADIATION, "iceumask")
LAYERED = re.compile(r"(sice|qice|qsno)(\d{3})")
# of both components, on the faces of a C-grid
FACE_DRIFT = ("uvelE", "vvelE", "uvelN", "vvelN")
_DATE = (("myear", "nyr"), ("mmonth", "month"), ("mday",), ("msec", "sec"))


@dataclass(frozen=True, eq=False)
class CiceRestart:
    """`values`: float64 (nj, ni) or (ncat, nj, ni); date: (year, month, day, seconds)."""

    file: RestartFile
    date: tuple[int, int, int, int]

    @property
    def values(self) -> dict[str, np.ndarray]:
        return self.file.values

    def __getitem__(self, name: str) -> np.ndarray:
        return self.file.values[name]

    @property
    def shape(self) -> tuple[int, int]:
        """(nj, ni), with ghost cells if the restart has them."""
        return self["uvel"].shape

    @property
    def n_categories(self) -> int:
        return len(self["aicen"])

    @cached_property
    def tracers(self) -> tuple[str, ...]:
        """Names of what a category carries besides area and volumes."""
        return tuple(n for n, v in self.values.items() if v.ndim == 3 and n not in STATE)

    def layers(self, name: str) -> list[str]:
        """The layers of 'sice', 'qice' or 'qsno', the top one first."""
        return sorted(n for n in self.values if LAYERED.fullmatch(n) and n.startswith(name))

    def categories(self) -> Categories:
        """(category, cell), all cells in one row."""
        return Categories(*(self[name].reshape(self.n_categories, -1) for name in STATE))

    @cached_property
    def ocean(self) -> np.ndarray:
        """(nj, ni) bool: where the restart knows of an ocean; on land all is exactly zero."""
        known = [self[n] != 0 for n in ("sst", "frzmlt", "strocnxT") if n in self.values]
        # A coupled model's restart has no mixed layer; a restart of a first step has no stresses.
        if "sst" not in self.values or not self["sst"].any():
            known += [(self["Tsfcn"] != 0).any(axis=0), (self["aicen"] > 0).any(axis=0)]
        return np.logical_or.reduce(known)


def read_cice_restart(path: Path) -> CiceRestart:
    """Read a restart; RestartError unless it has what CICE reads, in shapes that fit together.

    Its content is judged by `cice_checks.checks`.
    """
    file = read_restart(path)
    _require_names(file)
    _require_shapes(file)
    return CiceRestart(file, _date_of(file))


def _require_names(file: RestartFile) -> None:
    missing = [name for name in REQUIRED if name not in file.values]
    missing += [first for first in ("sice001", "qice001", "qsno001") if first not in file.values]
    if missing:
        raise RestartError(
            f"{file.path} has no variable '{missing[0]}', without which CICE stops: give a restart "
            "that CICE 6 wrote"
        )
    faces = [name for name in FACE_DRIFT if name in file.values]
    if faces:
        raise RestartError(
            f"{file.path} has '{faces[0]}', drift on the faces of a C-grid: only restarts of the "
            "B-grid (grid_ice = 'B') can be written"
        )
    for first, second in (("alvl", "vlvl"), ("vlvl", "alvl"), ("sst", "frzmlt")):
        if first in file.values and second not in file.values:
            raise RestartError(
                f"{file.path} has '{first}' but not '{second}', which CICE reads with it: give a "
                "restart that CICE 6 wrote"
            )


def _require_shapes(file: RestartFile) -> None:
    grid, categories = file.values["uvel"].shape, file.values["aicen"].shape
    if len(grid) != 2 or len(categories) != 3 or categories[1:] != grid or 0 in categories:
        raise RestartError(
            f"{file.path}: 'aicen' has shape {categories} and 'uvel' {grid}, needed are (ncat, nj, "
            "ni) and (nj, ni): give a restart that CICE 6 wrote"
        )
    for name, values in file.values.items():
        if values.shape not in (grid, categories) or values.dtype != np.float64:
            raise RestartError(
                f"{file.path}: '{name}' is {values.dtype} of shape {values.shape}, needed is "
                f"float64 of shape {grid} or {categories}: the restart is of two grids or of two "
                "numbers of categories"
            )
        if (values.ndim == 3) != (name in (*STATE, "Tsfcn") or _is_tracer(name, values)):
            raise RestartError(f"{file.path}: '{name}' has no dimension for the categories")
    _require_layers(file)


def _is_tracer(name: str, values: np.ndarray) -> bool:
    """Layers have categories; of other names the shape tells."""
    return bool(LAYERED.fullmatch(name)) or (values.ndim == 3 and name not in REQUIRED)


def _require_layers(file: RestartFile) -> None:
    found: dict[str, list[int]] = {"sice": [], "qice": [], "qsno": []}
    for name in file.values:
        if layer := LAYERED.fullmatch(name):
            found[layer[1]].append(int(layer[2]))
    for name, numbers in found.items():
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            raise RestartError(
                f"{file.path} has the layers {sorted(numbers)} of '{name}': one is missing between "
                "1 and the last"
            )
    if len(found["sice"]) != len(found["qice"]):
        raise RestartError(
            f"{file.path} has {len(found['sice'])} layers of 'sice' and {len(found['qice'])} of "
            "'qice': both need one for each ice layer"
        )


def _date_of(file: RestartFile) -> tuple[int, int, int, int]:
    numbers = [_attribute(file, names) for names in _DATE]
    year, month, day, seconds = numbers
    if not (0 <= year <= 9999 and 1 <= month <= 12 and 1 <= day <= 31 and 0 <= seconds < 86400):
        raise RestartError(
            f"{file.path} is of year {year}, month {month}, day {day}, second {seconds}, which is "
            "no date: take an undamaged restart"
        )
    _attribute(file, ("istep1",))
    return year, month, day, seconds


def _attribute(file: RestartFile, names: tuple[str, ...]) -> int:
    """A whole number under the first of its names that there is."""
    for name in names:
        value = file.attributes.get(name)
        if isinstance(value, (int, np.integer)):
            return int(value)
    raise RestartError(
        f"{file.path} has no global attribute '{names[0]}', which CICE reads: give a restart that "
        "CICE 6 wrote"
    )
