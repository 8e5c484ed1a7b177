"""States and what drove them, day by day, as an emulator learns from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError
from ..generator.emulator import pooled
from ..generator.step_network import NAMES
from ..grid import Grid
from ..hosts.forcing import read_forcing
from .data import Days, files_of, read_days


@dataclass(frozen=True, eq=False)
class Drives:
    """Days in a row of one or several years: states (day, field, y, x) and forcing
    (day, 3, y/2, x/2), float32; `starts`: days with `length` more of their year after them."""

    states: Tensor
    forcing: Tensor
    day_of_year: Tensor
    starts: np.ndarray
    length: int

    def between(self, days: np.ndarray) -> tuple[Tensor, Tensor]:
        """Forcing of these days and the next ones (sample, 6, y/2, x/2), and the days of the
        year."""
        both = torch.cat([self.forcing[days], self.forcing[days + 1]], dim=1)
        return both, self.day_of_year[days]


def read_drives(data: str, years: Sequence[int], length: int) -> tuple[Days, Drives]:
    """States and forcing of whole years; ConfigError where they do not fit."""
    days = read_days(data, years)
    if days.names != NAMES:
        raise ConfigError(
            f"training_nml: the data have {', '.join(days.names)}; an emulator needs "
            f"{', '.join(NAMES)}"
        )
    files = files_of(Path(data), years)
    forcing = np.concatenate([_forcing_of(file, wanted, days.grid) for file, wanted in files])
    if len(forcing) != len(days.fields):
        raise ConfigError(
            f"training_nml: {len(days.fields)} days of states and {len(forcing)} of forcing in "
            f"'{data}': give a file with both for each year"
        )
    small = pooled(torch.from_numpy(forcing), torch.from_numpy(days.grid.mask))
    day_of_year = torch.from_numpy(days.day_of_year)
    follows = np.diff(days.day_of_year) == 1  # files of years need not follow each other
    starts = [d for d in range(len(follows) - length + 1) if follows[d : d + length].all()]
    if not starts:
        raise ConfigError(
            f"training_nml: '{data}' has no {length + 1} days in a row in the years "
            f"{', '.join(map(str, years))}: an emulator learns from daily states; give all days, "
            "or a smaller longest in &emulator_nml"
        )
    fields = torch.from_numpy(days.fields)
    return days, Drives(fields, small, day_of_year, np.array(starts), length)


def _forcing_of(file: Path, years: Sequence[int], grid: Grid) -> np.ndarray:
    """(day, 3, y, x) of these years of a file, or of all."""
    days, values = read_forcing(file, grid)
    return values[[not years or day.year in years for day in days]]
