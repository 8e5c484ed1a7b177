"""Training data: daily states, read by `hosts` and put on the bounds where they nearly are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import ConfigError
from ..fields import DRIFT
from ..generator.uncensored import OPEN_WATER
from ..grid import Grid
from ..hosts import Series, open_series
from ..hosts.dates import days_of_year

# A simulation leaves a tail of tiny concentrations in open water and seldom reaches 1 exactly;
# the censored likelihood needs data that lie on the bounds.
FULL_COVER = 0.995


@dataclass(frozen=True, eq=False)
class Days:
    """fields: float32 (day, field, y, x); day_of_year: (day,) from 1; names of the fields."""

    fields: np.ndarray
    day_of_year: np.ndarray
    names: tuple[str, ...]
    grid: Grid


def read_days(data: str | Path, years: Sequence[int]) -> Days:
    """All days of `years`, snapped to the bounds: from the folder `data` with a file *YYYY*.nc a
    year, or from one file of all years. ConfigError, or DataError for what is refused."""
    parts = [open_series([path], years=wanted) for path, wanted in files_of(Path(data), years)]
    first = parts[0]
    for part in parts:
        _require_same(part, first)
    fields = [snap(_values(part), first.names, first.grid) for part in parts]
    days = [days_of_year(part.days, part.calendar) for part in parts]
    return Days(np.concatenate(fields), np.concatenate(days), first.names, first.grid)


def _values(series: Series) -> np.ndarray:
    return np.concatenate([series.read(days)[0] for days in series.ranges()])


def _require_same(part: Series, first: Series) -> None:
    """What one network learns has one set of fields, with a concentration, on one grid."""
    if "sic" not in part.names:
        raise ConfigError(
            f"training_nml: {part.files[0]} has {', '.join(part.names)} but no concentration "
            "(sic), without which there is no ice: prepare a file that has it"
        )
    if part.names != first.names or part.grid.mask_hash != first.grid.mask_hash:
        raise ConfigError(
            f"training_nml: {part.files[0]} has other fields or another mask than "
            f"{first.files[0]}: prepare both alike"
        )


def snap(fields: np.ndarray, names: Sequence[str], grid: Grid) -> np.ndarray:
    """Put nearly open water and nearly full cover (day, field, y, x) on their bounds."""
    fields = fields.copy()
    sic = fields[:, names.index("sic")]
    sic[sic >= FULL_COVER] = 1.0
    ice = sic >= OPEN_WATER
    touched = np.stack([grid.touched_by(day) for day in ice])
    for index, name in enumerate(names):
        fields[:, index] *= touched if name in DRIFT else ice
    return fields


def files_of(data: Path, years: Sequence[int]) -> list[tuple[Path, Sequence[int]]]:
    """Each file to read, with the years to take from it; none means all that it has."""
    if data.is_file():
        return [(data, years)]
    return [(file_of(data, year), ()) for year in years]


def file_of(
    folder: Path, year: int, option: str = "training_nml: data",
    years: str = "train_years and validation_years",
) -> Path:  # fmt: skip
    """The one file of a year; ConfigError, which names the options, for none or several."""
    found = sorted(folder.glob(f"*{year}*.nc"))
    if len(found) != 1:
        raise ConfigError(
            f"{option} = '{folder}' has {len(found)} files *{year}*.nc, needed is one for each of "
            f"{years}"
        )
    return found[0]
