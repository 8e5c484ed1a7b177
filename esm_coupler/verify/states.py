"""Many sea-ice states with their dates: what all scores work on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import write_dataset
from ..errors import FieldError
from ..fields import FIELDS
from ..grid import Grid
from ..state import TIME, members_dataset
from .calendar import day_weights, months, years

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, eq=False)
class States:
    """fields: float (state, field, y, x) in the order of `names`, units of `fields.FIELDS`;
    dates: datetime64[D] (state,)."""

    fields: np.ndarray
    dates: np.ndarray
    names: tuple[str, ...]
    grid: Grid

    def __post_init__(self) -> None:
        expected = (len(self.dates), len(self.names), *self.grid.shape)
        if self.fields.shape != expected:
            raise FieldError(
                f"{len(self.dates)} states of {self.names} have shape {expected}, "
                f"got {self.fields.shape}"
            )

    def __len__(self) -> int:
        return len(self.dates)

    def __getitem__(self, name: str) -> np.ndarray:
        """(state, y, x) view of one field."""
        if name not in self.names:
            raise FieldError(f"field '{name}' is not in these states, which have {self.names}")
        return self.fields[:, self.names.index(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def subset(self, chosen: np.ndarray) -> States:
        """The states that `chosen` (indices or bool) picks."""
        return replace(self, fields=self.fields[chosen], dates=self.dates[chosen])

    def of_names(self, names: Sequence[str]) -> States:
        """The same states with these fields only, in this order."""
        if tuple(names) == self.names:
            return self
        return replace(self, fields=np.stack([self[n] for n in names], axis=1), names=tuple(names))

    def by_month(self) -> Iterator[tuple[int, States]]:
        """(month from 1, its states) for each month that there is."""
        month = months(self.dates)
        for number in np.unique(month):
            yield int(number), self.subset(month == number)

    def single_years(self) -> Iterator[tuple[int, States, States]]:
        """(year, its states, those of all other years) where there are two years or more."""
        year = years(self.dates)
        numbers = np.unique(year)
        for number in numbers if len(numbers) > 1 else []:
            own = year == number
            yield int(number), self.subset(own), self.subset(~own)

    def to_dataset(self, attributes: Mapping[str, Any] | None = None) -> xarray.Dataset:
        """CF dataset (realization, y, x) whose `time` goes along realization."""
        numbers = range(1, len(self) + 1)
        dataset = members_dataset(self.fields, self.names, numbers, self.grid)
        days = self.dates.astype("datetime64[D]").astype("i4")
        dataset = dataset.assign_coords(time=("realization", days, TIME))
        dataset.attrs.update(attributes or {})
        return dataset


def write_states(
    states: States, path: str | Path, attributes: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> None:  # fmt: skip
    """Write states of many dates into one CF file, which `read_states` reads.

    OutputError if it exists (unless `overwrite`) or cannot be written.
    """
    write_dataset(states.to_dataset(attributes), Path(path), overwrite=overwrite)


def matched(reference: States, dates: np.ndarray) -> tuple[States, np.ndarray]:
    """The reference states that have a weight on the calendar days of `dates`, and the weights
    (see `calendar.day_weights`)."""
    weights = day_weights(dates, reference.dates)
    used = weights > 0
    return reference.subset(used), weights[used]


def joined(parts: Sequence[States]) -> States:
    """All states of several sets with the same fields on the same grid."""
    first = parts[0]
    for part in parts[1:]:
        require_same_grid(first, part)
        if part.names != first.names:
            raise FieldError(
                f"the files have different fields, {first.names} and {part.names}: give files "
                "with the same ones"
            )
    fields, dates = (np.concatenate([getattr(p, a) for p in parts]) for a in ("fields", "dates"))
    return States(fields, dates, first.names, first.grid)


def require_same_grid(one: States, other: States) -> None:
    """FieldError unless both have one ocean mask."""
    if one.grid.mask_hash != other.grid.mask_hash:
        raise FieldError(
            f"the files have different grids or masks, {one.grid.shape} with "
            f"{one.grid.mask.sum()} ocean cells and {other.grid.shape} with "
            f"{other.grid.mask.sum()}: states can be compared on the same grid only"
        )


def with_common_fields(one: States, other: States) -> tuple[States, States]:
    """Both with the fields that both have, for scores of one against the other."""
    require_same_grid(one, other)
    names = tuple(name for name in FIELDS if name in one and name in other)
    if "sic" not in names:
        raise FieldError("states need the field 'sic' to be scored, in all files")
    return one.of_names(names), other.of_names(names)
