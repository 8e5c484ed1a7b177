"""A sea-ice state on the global grid, an ensemble of them, and the dates that they stand for."""

from __future__ import annotations

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import FieldError, InvalidValueError
from .fields import DRIFT, FIELDS
from .grid import Grid

if TYPE_CHECKING:
    import xarray

TIME = {"standard_name": "time", "units": "days since 1970-01-01", "calendar": "standard"}


@dataclass(frozen=True, eq=False)
class State:
    """values: float64 (field, y, x) in the order of `names`, units of `fields.FIELDS`."""

    values: np.ndarray
    names: tuple[str, ...]
    grid: Grid

    def __post_init__(self) -> None:
        expected = (len(self.names), *self.grid.shape)
        if self.values.shape != expected or self.values.dtype != np.float64:
            raise FieldError(
                f"a state of {self.names} is float64 of shape {expected}, "
                f"got {self.values.dtype} of shape {self.values.shape}"
            )

    def __getitem__(self, name: str) -> np.ndarray:
        """(y, x) view of one field."""
        if name not in self.names:
            raise FieldError(f"field '{name}' is not in this state, which has {self.names}")
        return self.values[self.names.index(name)]

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def support(self, name: str) -> np.ndarray:
        """(y, x) bool: points at which the field may differ from zero."""
        return self.grid.drift_mask if name in DRIFT else self.grid.mask

    @property
    def sha256(self) -> str:
        """Hash of all bits, to compare runs."""
        return hashlib.sha256(self.values.tobytes()).hexdigest()


@dataclass(frozen=True, eq=False)
class Ensemble:
    """States of one date: values float64 (realization, field, y, x), `realization` the member
    numbers from 1, `attributes` what the file should say of their origin."""

    values: np.ndarray
    realization: tuple[int, ...]
    names: tuple[str, ...]
    grid: Grid
    date: datetime.date
    attributes: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, name: str) -> np.ndarray:
        """(realization, y, x) view of one field."""
        if name not in self.names:
            raise FieldError(f"field '{name}' is not in this ensemble, which has {self.names}")
        return self.values[:, self.names.index(name)]

    @property
    def sha256(self) -> list[str]:
        """Hash of all bits of each member, as in the log of a host that binds all fields."""
        return [hashlib.sha256(member.tobytes()).hexdigest() for member in self.values]

    @classmethod
    def from_states(
        cls,
        states: Sequence[State],
        realization: Sequence[int],
        date: datetime.date,
        attributes: Mapping[str, Any] | None = None,
    ) -> Ensemble:
        values = np.stack([state.values for state in states])
        first = states[0]
        return cls(values, tuple(realization), first.names, first.grid, date, attributes or {})

    def to_dataset(self) -> xarray.Dataset:
        """CF dataset with dimensions (realization, y, x)."""
        dataset = members_dataset(self.values, self.names, self.realization, self.grid)
        dataset["sha256"] = ("realization", self.sha256, {
            "long_name": "SHA-256 of all float64 values (field, y, x) of a member",
            "fields": " ".join(self.names)})  # fmt: skip
        days = (self.date - datetime.date(1970, 1, 1)).days
        dataset = dataset.assign_coords(time=((), np.int32(days), TIME))
        dataset.attrs.update(self.attributes)
        return dataset

    def to_netcdf(self, path: str | Path, overwrite: bool = False) -> None:
        """Write a CF file; OutputError if it exists (unless `overwrite`) or cannot be written."""
        from .atomic import write_dataset

        write_dataset(self.to_dataset(), Path(path), overwrite=overwrite)


def members_dataset(
    values: np.ndarray, names: Sequence[str], realization: Sequence[int], grid: Grid
) -> xarray.Dataset:
    """CF dataset of values (realization, field, y, x) on their grid, still without a time."""
    dataset = grid.to_dataset()
    for index, name in enumerate(names):
        f = FIELDS[name]
        dataset[name] = (("realization", "y", "x"), values[:, index], {
            "units": f.units, "standard_name": f.standard_name, "long_name": f.long_name,
            "cell_methods": f.cell_methods, "cell_measures": "area: cell_area",
        })  # fmt: skip
    dataset["realization"] = ("realization", np.array(realization, "i4"), {
        "standard_name": "realization", "units": "1"})  # fmt: skip
    return dataset


def parse_date(date: int | str | datetime.date) -> datetime.date:
    """A date from yyyymmdd or 'yyyy-mm-dd' in the Gregorian calendar.

    InvalidValueError names a date that does not exist.
    """
    if isinstance(date, datetime.datetime):
        return date.date()
    if isinstance(date, datetime.date):
        return date
    try:
        return _gregorian(date)
    except (ValueError, OverflowError, TypeError):
        raise InvalidValueError(
            f"date {date!r} does not exist: give yyyymmdd or 'yyyy-mm-dd', such as 20180301"
        ) from None


def _gregorian(date: object) -> datetime.date:
    """Date of a whole number or of a text of digits; ValueError for anything else."""
    text = re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\1\2\3", date) if isinstance(date, str) else date
    if isinstance(text, str) and re.fullmatch(r"\d{8}", text, re.ASCII):
        text = int(text)
    if not isinstance(text, Integral) or isinstance(text, bool):
        raise ValueError
    number = int(text)
    return datetime.date(number // 10000, number // 100 % 100, number % 100)
