"""A year of the emulator under the forcing of that year: does the ice stay what it was?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..state import State
from .calendar import months, years
from .cover import extent, volume
from .hindcast import Year, run_forward
from .states import States

if TYPE_CHECKING:
    from ..generator.emulator import Emulator

Total = Callable[[States], np.ndarray]
TOTALS: dict[str, Total] = {"extent": extent, "volume": volume}  # [1e6 km2], [1e3 km3]


@dataclass(frozen=True, eq=False)
class FreeRun:
    """Days in a row after the start. totals: of each of TOTALS (day, member); mended (day, member):
    cells that projection changed in a step; fields: float64 (member, field, y, x) of the last
    day."""

    totals: dict[str, np.ndarray]
    mended: np.ndarray
    fields: np.ndarray

    @property
    def days(self) -> int:
        return len(self.mended)

    def then(self, later: FreeRun) -> FreeRun:
        """This and what came after it."""
        totals = {n: np.concatenate([t, later.totals[n]]) for n, t in self.totals.items()}
        return FreeRun(totals, np.concatenate([self.mended, later.mended]), later.fields)


def free_run(
    emulator: Emulator, year: Year, members: int, seed: int = 1, begun: FreeRun | None = None
) -> Iterator[FreeRun]:
    """From the first day of the year to its last: what is there after each month, from what has
    `begun` on. All members start from the same state."""
    last = len(year.states) - 1
    month = months(year.states.dates)
    while begun is None or begun.days < last:
        at = begun.days if begun is not None else 0
        ends = np.flatnonzero(month[at + 1 :] != month[at + 1])
        days = int(ends[0]) if len(ends) else last - at
        states = None
        if begun is not None:
            states = [State(values, emulator.names, emulator.grid) for values in begun.fields]
        part = _days(emulator, year, at, days, members, seed, states)
        begun = part if begun is None else begun.then(part)
        yield begun


def _days(
    emulator: Emulator, year: Year, start: int, days: int, members: int, seed: int,
    states: Sequence[State] | None,
) -> FreeRun:  # fmt: skip
    totals: dict[str, list[np.ndarray]] = {name: [] for name in TOTALS}
    mended = []
    for steps in run_forward(emulator, year, start, days, members, seed, states):
        fields = np.stack([step.state.values for step in steps])
        dates = np.repeat(year.states.dates[:1], members)
        now = States(fields, dates, emulator.names, emulator.grid)
        for name, total in TOTALS.items():
            totals[name].append(total(now))
        mended.append([step.report.cells_changed for step in steps])
    return FreeRun({name: np.stack(t) for name, t in totals.items()}, np.array(mended), fields)


def judge(run: FreeRun, year: Year, training: States) -> dict[str, Any]:
    """Means of each month of extent and volume (members, truth, least and most of the training
    years), and how many members are within; mended cells, and how far members are apart at the
    end."""
    dates = year.states.dates[1 : run.days + 1]
    result: dict[str, Any] = {"days": run.days, "members": run.mended.shape[1]}
    for name, total in TOTALS.items():
        result[name] = _by_month(run.totals[name], total, dates, year.states, training)
    ocean = training.grid.mask
    sic = run.fields[:, training.names.index("sic")][:, ocean]
    result |= {
        "finite": bool(np.isfinite(run.fields).all()),
        "cells_mended_a_step": float(run.mended.mean()),
        "most_cells_mended_in_a_step": int(run.mended.max()),
        "spread_at_the_end": _spread(run, sic, training.grid.cell_area[ocean]),
    }
    return result


def _spread(run: FreeRun, sic: np.ndarray, area: np.ndarray) -> dict[str, float]:
    """Standard deviations of the members: of each total, and of sic, root mean square over area."""
    ddof = min(1, len(sic) - 1)
    found = {name: float(total[-1].std(ddof=ddof)) for name, total in run.totals.items()}
    return found | {"sic": float(np.average(sic.var(axis=0, ddof=ddof), weights=area) ** 0.5)}


def _by_month(
    values: np.ndarray, total: Total, dates: np.ndarray, truth: States, training: States
) -> list[dict[str, Any]]:
    happened, known = total(truth)[1 : len(dates) + 1], total(training)
    month_then, year_then = months(training.dates), years(training.dates)
    rows = []
    for month in np.unique(months(dates)):
        now, own = months(dates) == month, month_then == month
        single = [known[own & (year_then == year)].mean() for year in np.unique(year_then[own])]
        least, most = (min(single), max(single)) if single else (np.nan, np.nan)
        members = values[now].mean(axis=0)
        rows.append({
            "month": int(month), "members": members.tolist(), "truth": float(happened[now].mean()),
            "least": float(least) if single else None, "most": float(most) if single else None,
            "within": int(((members >= least) & (members <= most)).sum()),
        })  # fmt: skip
    return rows
