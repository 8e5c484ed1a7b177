"""States of many days out of one file or many, joined by variable and by day."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..errors import DataError
from ..fields import DRIFT, FIELDS
from ..grid import Grid
from . import check, geometry
from .convention import BY_COORDINATES
from .dates import Day
from .hostfile import HostFile, Stored, open_file

BLOCK = 30  # days in memory at a time
LOCATIONS = {(0.0, 0.0): "centre", (0.5, 0.5): "northeast"}
Step = tuple[Stored, int]  # where one field of one day lies


@dataclass(frozen=True, eq=False)
class Series:
    """Days in order; `steps` says of each field where each day lies; `parts` is what the files say
    of their grid. Reading gives our units, checked: what is refused is a DataError that names
    file, variable, date, cell, value and what was allowed."""

    days: tuple[Day, ...]
    calendar: str
    steps: dict[str, tuple[Step, ...]]
    parts: dict[str, np.ndarray]
    drift_location: str
    formats: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields, in our order."""
        return tuple(name for name in FIELDS if name in self.steps)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that are read, each once."""
        stored = (step.path for steps in self.steps.values() for step, _ in steps)
        return tuple(dict.fromkeys(stored))

    @cached_property
    def mask(self) -> np.ndarray:
        """(y, x) bool, the ocean: as the files say, else where the first day has a value."""
        if "mask" in self.parts:
            return self.parts["mask"]
        name = next(n for n in ("sic", "sit", *self.names) if n in self.steps)
        stored, step = self.steps[name][0]
        return np.isfinite(stored.read([step])[0])

    @cached_property
    def grid(self) -> Grid:
        """The grid; cell_area and angle come from lat and lon if no file has them."""
        place = self.files[0]
        if not {"lat", "lon"} <= self.parts.keys():
            raise DataError(
                f"{place} has no latitude and longitude of its cells: give a file that has them, "
                "such as its grid, beside it"
            )
        lat, lon = self.parts["lat"], self.parts["lon"]
        if not self.mask.any() or not np.isfinite(lat[self.mask] + lon[self.mask]).all():
            raise DataError(f"{place} has no ocean, or ocean without latitude or longitude")
        area = self.parts.get("cell_area")
        angle = self.parts.get("angle")
        return Grid(
            mask=self.mask,
            lat=geometry.filled(lat),
            lon=geometry.filled(lon),
            cell_area=geometry.cell_area(lat, lon) if area is None else geometry.filled(area),
            angle=geometry.angle(lat, lon) if angle is None else geometry.filled(angle),
            drift_location=self.drift_location,
        )

    @property
    def computed(self) -> tuple[str, ...]:
        """What of the grid no file has."""
        return tuple(part for part in ("mask", "cell_area", "angle") if part not in self.parts)

    def ranges(self) -> list[range]:
        """The days, by their numbers, in blocks that fit in memory."""
        n_days = len(self.days)
        return [range(first, min(first + BLOCK, n_days)) for first in range(0, n_days, BLOCK)]

    def read(self, days: range) -> tuple[np.ndarray, int]:
        """float32 (day, field, y, x) of some days, and how many values were put on a bound."""
        raw = {name: self._raw(name, days) for name in self.names}
        for name in raw:
            of_ice = [self.steps[name][day][0].variable.per_ice for day in days]
            if any(of_ice):
                raw[name][of_ice] *= raw["sic"][of_ice]
        fields, n_bounded = check.complete(raw, self.mask), 0
        for name, values in fields.items():
            if fault := check.fault_in(name, values):
                raise self._refusal(name, days[fault.day], fault)
            fields[name], n = check.bounded(name, values)
            n_bounded += n
        return np.stack([fields[name] for name in self.names], axis=1), n_bounded

    def _raw(self, name: str, days: range) -> np.ndarray:
        wanted = (self.steps[name][day] for day in days)
        together = itertools.groupby(wanted, key=lambda step: step[0])
        return np.concatenate([stored.read([k for _, k in steps]) for stored, steps in together])

    def _refusal(self, name: str, day: int, fault: check.Fault) -> DataError:
        stored, _ = self.steps[name][day]
        unit = FIELDS[name].unit_text
        return DataError(
            f"{stored.where} is {fault.value:.6g}{unit} on {self.days[day]} at i={fault.i + 1}, "
            f"j={fault.j + 1}, allowed is {fault.allowed} ({name}); {fault.points} such points on "
            "that day: mend or leave out the file"
        )


def open_series(
    paths: Iterable[Path], format: str | None = None, years: Sequence[int] = ()
) -> Series:
    """Open files of one grid as one series, of all days or of those of `years`.

    Raises DataError for a file that cannot be read, a day that a field has twice or lacks, and
    fields of different grids.
    """
    files = [open_file(path, format) for path in paths]
    steps = {name: found for name in FIELDS if (found := _by_day(files, name, years))}
    _require_days(files, steps, years)
    days = _common_days(steps)
    calendar = _one_calendar(files)
    _require_sic(steps)
    ordered = {name: tuple(found[day] for day in days) for name, found in steps.items()}
    parts = _grid_parts(files, steps)
    formats = tuple(dict.fromkeys(file.format for file in files))
    return Series(days, calendar, ordered, parts, _drift_location(files, steps, parts), formats)


def _require_days(
    files: list[HostFile], steps: dict[str, dict[Day, Step]], years: Sequence[int]
) -> None:
    there = {day.year for found in steps.values() for day in found}
    absent = [str(year) for year in years if year not in there]
    if absent or not there:
        lacking = f"no day of {', '.join(absent)}" if absent else f"no {', '.join(FIELDS)}"
        raise DataError(f"{files[0].path} has {lacking}: give a file that has")


def _by_day(files: list[HostFile], name: str, years: Sequence[int]) -> dict[Day, Step]:
    """Where each day of a field lies."""
    found: dict[Day, Step] = {}
    for stored in (file.fields[name] for file in files if name in file.fields):
        for step, day in enumerate(stored.days):
            if years and day.year not in years:
                continue
            if day in found:
                raise DataError(
                    f"{stored.where} has {day} twice, or {found[day][0].path} has it too: give "
                    "each day once; of several times a day take their mean first"
                )
            found[day] = stored, step
    return found


def _common_days(steps: dict[str, dict[Day, Step]]) -> tuple[Day, ...]:
    """The days, in order; DataError unless all fields have the same."""
    first, days = next((name, set(found)) for name, found in steps.items())
    for name, found in steps.items():
        if odd := days ^ set(found):
            raise DataError(
                f"'{first}' has {len(days)} days and '{name}' has {len(found)}, of which "
                f"{min(odd)} is in one only: give the same days of both, or choose with --years"
            )
    return tuple(sorted(days))


def _one_calendar(files: list[HostFile]) -> str:
    seen = {stored.calendar: stored for file in files for stored in file.fields.values()}
    if len(seen) > 1:
        said = ", ".join(f"{stored.path} '{name}'" for name, stored in seen.items())
        raise DataError(f"the files differ in their calendar ({said}): give files of one model")
    return next(iter(seen))


def _require_sic(steps: dict[str, dict[Day, Step]]) -> None:
    for found in steps.values():
        stored = next(iter(found.values()))[0]
        if stored.variable.per_ice and "sic" not in steps:
            raise DataError(
                f"{stored.where} is a mean over the ice, not over the cell: give the concentration "
                "of the same days too"
            )


def _grid_parts(
    files: list[HostFile], steps: dict[str, dict[Day, Step]]
) -> dict[str, np.ndarray]:
    """The first of each part of the grid, of files with more than drift before others."""
    shape = next(iter(next(iter(steps.values())).values()))[0].array.shape[1:]
    parts: dict[str, np.ndarray] = {}
    for file in sorted(files, key=lambda file: set(file.fields) <= set(DRIFT)):
        shapes = {n: stored.array.shape[1:] for n, stored in file.fields.items()}
        shapes |= {n: values.shape for n, values in file.grid.items()}
        for name, found in shapes.items():
            if found != shape:
                raise DataError(
                    f"{file.path} has '{name}' of {_size(found)} cells, others have {_size(shape)}"
                    ": give files of one grid"
                )
        parts = file.grid | parts
    return parts


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[::-1]))


def _drift_location(
    files: list[HostFile], steps: dict[str, dict[Day, Step]], parts: dict[str, np.ndarray]
) -> str:
    """Where the drift lives; a format that does not say tells by the coordinates of its files."""
    drifting = [file for file in files if set(file.fields) & set(DRIFT) & set(steps)]
    if not drifting:
        return "centre"
    file = drifting[0]
    if file.drift_location != BY_COORDINATES:
        return file.drift_location
    if not {"lat", "lon"} <= file.grid.keys():
        return "centre"
    away = geometry.offset(
        (file.grid["lat"], file.grid["lon"]), (parts["lat"], parts["lon"])
    )
    for (x, y), location in LOCATIONS.items():
        if abs(away[0] - x) < 0.1 and abs(away[1] - y) < 0.1:
            return location
    raise DataError(
        f"{file.path} has its drift {away[0]:.2f}, {away[1]:.2f} cells along x, y from the centre: "
        "allowed are 0, 0 and 0.5, 0.5; interpolate it, or leave it out"
    )
