"""One file of a host model: its fields in our units, its days, and what it says of its grid."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import DataError
from .catalogue import FORMATS, format_of, open_content
from .convention import Convention, Variable
from .dates import Day, days_of, is_time
from .units import AREA, DEGREES, RADIANS, factor_of, judge

if TYPE_CHECKING:
    from xarray import DataArray, Dataset

STEPS_TO_JUDGE = 24  # time steps whose values are held against the units
_GRID_UNITS = {"lat": DEGREES, "lon": DEGREES, "cell_area": AREA, "angle": RADIANS}
_AXES = {"x": 2, "y": 1}


@dataclass(frozen=True, eq=False)
class Stored:
    """One field in one file: `array` (time, y, x), read when asked, and the day of each step."""

    path: Path
    variable: Variable
    array: DataArray
    days: tuple[Day, ...]
    calendar: str
    factor: float = 1.0

    @property
    def where(self) -> str:
        """File and variable, for messages."""
        return f"{self.path}: '{self.array.name}'"

    def read(self, steps: list[int]) -> np.ndarray:
        """float32 (step, y, x) in our units, not a number where missing."""
        with readable(self.path):
            values = np.asarray(self.array.isel({self.array.dims[0]: steps}).values, "f4")
        values = values * np.float32(self.factor) if self.factor != 1 else values
        return _to_centre(values, self.variable.face) if self.variable.face else values


@dataclass(frozen=True, eq=False)
class HostFile:
    """`fields` by our names, `grid` (y, x) arrays of lat, lon, mask, cell_area, angle."""

    path: Path
    format: str
    fields: dict[str, Stored]
    grid: dict[str, np.ndarray]
    drift_location: str


def open_file(path: Path, format: str | None = None) -> HostFile:
    """Open a file of `format`, or of the one that its content shows; DataError says why not."""
    if path.is_dir():
        raise DataError(f"{path} is a folder: give its files, such as {path}/*.nc")
    with readable(path):
        dataset = open_content(path)
    name = format or format_of(dataset, path)
    convention = FORMATS[name]
    with readable(path):
        dataset = convention.adapt(dataset)
    fields = _fields(dataset, path, convention)
    if not fields and convention.variables:
        wanted = sorted({name for v in convention.variables for name in v.names})
        raise DataError(f"{path} has no field of format '{name}', such as {', '.join(wanted)}")
    grid = {part: values for part in _GRID_UNITS | {"mask": {}}
            if (values := _grid_part(dataset, path, convention, part)) is not None}  # fmt: skip
    location = dataset.attrs.get("drift_location", convention.drift_location)
    return HostFile(path, name, fields, _on_cells(grid), location)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """DataError in one sentence instead of what a damaged file makes netCDF raise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as: two fill values, both are honoured
            yield
    # what xarray raises on a damaged file depends on where the damage is
    except (OSError, RuntimeError, ValueError, KeyError, AttributeError, TypeError) as error:
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise DataError(f"{path} cannot be read ({reason}): mend or leave out the file") from error


def _fields(dataset: Dataset, path: Path, convention: Convention) -> dict[str, Stored]:
    """Of each of our fields the first variable that the file has."""
    found: dict[str, Stored] = {}
    for variable in convention.variables:
        name = next((name for name in variable.names if name in dataset), None)
        if name is not None and variable.field not in found:
            found[variable.field] = _stored(dataset, path, variable, name)
    return found


def _stored(dataset: Dataset, path: Path, variable: Variable, name: str) -> Stored:
    where = f"{path}: '{name}'"
    array = _time_y_x(dataset, name, where)
    days, calendar = days_of(dataset, str(array.dims[0]), where)
    if len(days) == 0:
        raise DataError(f"{where} has no time step: leave out the file")
    if len(days) != len(array):
        raise DataError(f"{where} has {len(array)} time steps, its time has {len(days)}")
    _require_per_cell(array, variable, where)
    raw = Stored(path, variable, array, days, calendar)
    steps = sorted({round(k) for k in np.linspace(0, len(days) - 1, STEPS_TO_JUDGE)})
    factor = judge(variable.kind, array.attrs.get("units", ""), raw.read(steps), where)
    return Stored(path, variable, array, days, calendar, factor)


def _time_y_x(dataset: Dataset, name: str, where: str) -> DataArray:
    """The variable with its time first; a file of one date may have it as a scalar."""
    array = dataset[name]
    times = [str(dim) for dim in array.dims if dim in dataset.variables and is_time(dataset, dim)]
    array = array.squeeze([dim for dim in array.dims[:-2] if array.sizes[dim] == 1
                           and dim not in times], drop=True)  # fmt: skip
    if array.ndim == 2 and "time" in dataset.variables and is_time(dataset, "time"):
        return array.drop_vars("time", errors="ignore").expand_dims("time")
    if array.ndim != 3 or list(array.dims[:1]) != times:
        shape = ", ".join(map(str, dataset[name].dims))
        raise DataError(
            f"{where} is of ({shape}), needed is (time, y, x) with dates: its time has units such "
            "as 'days since 1990-01-01'"
        )
    return array


def _require_per_cell(array: DataArray, variable: Variable, where: str) -> None:
    """DataError if cell_methods speak of ice where the name speaks of cells, or the reverse."""
    methods = str(array.attrs.get("cell_methods", "")).replace("sea ice", "sea_ice")
    of_ice = "where sea_ice" in methods or "over sea_ice" in methods
    is_volume = variable.field in ("sit", "snt")
    if is_volume and "area:" in methods and of_ice != variable.per_ice:
        means = {True: "a thickness of the ice itself", False: "a volume per cell area"}
        raise DataError(
            f"{where} is {means[variable.per_ice]} by its name and {means[of_ice]} by its "
            f"cell_methods '{methods}': correct one of them"
        )


def _grid_part(
    dataset: Dataset, path: Path, convention: Convention, part: str
) -> np.ndarray | None:
    """lat, lon, cell_area or angle in our units, mask as true or false; None if not there."""
    name = next((n for n in convention.grid.get(part, ()) if n in dataset.variables), None)
    if name is None:
        return None
    variable = dataset.variables[name]
    with readable(path):
        values = variable.values.astype("f8")
    while values.ndim > 2:
        values = values[0]
    if part == "mask":
        return values > 0.5
    return values * factor_of(variable.attrs.get("units", ""), _GRID_UNITS[part], f"{path}: {name}")


def _on_cells(grid: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """lat and lon of every cell where the file has those of rows and columns."""
    if "lat" in grid and "lon" in grid and grid["lat"].ndim == grid["lon"].ndim == 1:
        lon, lat = np.meshgrid(grid["lon"], grid["lat"])
        return grid | {"lat": lat, "lon": lon}
    return grid


def _to_centre(values: np.ndarray, face: str) -> np.ndarray:
    """Mean of both faces of each cell (step, y, x); at the edge the one there is."""
    axis = _AXES[face]
    before = np.concatenate(
        [np.take(values, [0], axis), np.take(values, np.arange(values.shape[axis] - 1), axis)], axis
    )
    both = np.stack([before, values])
    known = np.isfinite(both)
    mean = np.where(known, both, 0).mean(axis=0)  # a face on land is at rest
    return np.where(known.any(axis=0), mean, np.nan)
