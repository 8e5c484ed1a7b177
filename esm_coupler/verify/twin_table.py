"""What came of a test with identical twins: day by day, and over all days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..fields import DRIFT
from .ensemble_scores import coverage, mean_squares, undecided
from .states import States
from .table import Table

LEVELS = (0.5, 0.9)


@dataclass(frozen=True)
class Reliability:
    """Of one field on one day: mean squares of spread and error, the cells that are not all the
    same, and the share of them in which each interval holds the truth."""

    spread: float
    error: float
    cells: int
    held: tuple[float, ...]

    @classmethod
    def pooled(cls, several: Sequence[Reliability]) -> Reliability:
        cells = np.array([one.cells for one in several])
        held = np.average([one.held for one in several], axis=0, weights=cells)
        spread, error = (np.mean([getattr(o, n) for o in several]) for n in ("spread", "error"))
        return cls(float(spread), float(error), int(cells.sum()), tuple(held))

    def __str__(self) -> str:
        numbers = np.sqrt(self.spread / self.error), *self.held
        return "  ".join(f"{number:.2f}" for number in numbers)


@dataclass(frozen=True)
class Twin:
    """The fields of one day, of members that are pairs."""

    day: str
    fields: dict[str, Reliability]

    @classmethod
    def of(cls, ensemble: States, truths: States, index: int) -> Twin:
        grid, fields = ensemble.grid, {}
        for name in ensemble.names:
            cells = grid.drift_mask if name in DRIFT else grid.mask
            members = ensemble[name][:, cells].astype(float)
            truth = truths[name][index][cells].astype(float)
            fields[name] = Reliability(
                *mean_squares(members, truth, grid.cell_area[cells], pairs=True),
                int(undecided(members, truth).sum()),
                tuple(coverage(members, truth, level, pairs=True) for level in LEVELS),
            )
        return cls(str(truths.dates[index]), fields)


def twin_table(twins: Sequence[Twin]) -> Table:
    """A row a day, the last of all."""
    names = list(twins[0].fields)
    rows = [[twin.day, *(str(twin.fields[name]) for name in names)] for twin in twins]
    pooled = [Reliability.pooled([twin.fields[name] for twin in twins]) for name in names]
    rows.append(["all", *map(str, pooled)])
    note = (
        "Spread over RMSE, 50 %, 90 %. Spread over RMSE: 1 is right; over all days the ratio of mean squares. Shares of the "
        "cells, but those where truth and members are all the same, in which the interval holds "
        "the truth."
    )
    return Table("Ensembles around an analysis with a known error", note, ["day", *names], rows)
