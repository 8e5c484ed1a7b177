"""Generated states beside the simulation, month by month: the table of docs/results.md.

python tools/seasons.py FOLDER [MEMBERS], where FOLDER holds the simulation's files, one a year.
"""

from __future__ import annotations

import datetime
import sys

import numpy as np

from esm_coupler import Generator
from esm_coupler.generator.generator import Request
from esm_coupler.generator.projection import project
from esm_coupler.state import State
from esm_coupler.training.data import Days, read_days

TRAIN_YEARS, VALIDATION_YEARS = (1984, 1985, 1986, 1988, 1989, 1990), (1991,)
YEAR = 1991  # any that is no leap year: the day of the year is the condition


def figures(states: list[State]) -> np.ndarray:
    """(state, 4): extent [1e12 m2], volume [1e12 m3], shares of open water and of full cover."""
    return np.array([_figures(state) for state in states])


def _figures(state: State) -> tuple[float, float, float, float]:
    area, sic = state.grid.cell_area, state["sic"]
    ocean = sic[state.grid.mask]
    return (
        float(area[sic > 0.15].sum() / 1e12), float((area * state["sit"]).sum() / 1e12),
        float((ocean == 0).mean()), float((ocean >= 0.995).mean()),
    )  # fmt: skip


def of_day(days: Days, day_of_year: int) -> list[State]:
    chosen = days.fields[days.day_of_year == day_of_year].astype(np.float64)
    return [State(values, days.names, days.grid) for values in chosen]


def span(values: np.ndarray) -> str:
    return f"{values.min():.2f}-{values.max():.2f}"


def main(folder: str, members: int) -> None:
    generator = Generator.load("default")
    train, held_back = read_days(folder, TRAIN_YEARS), read_days(folder, VALIDATION_YEARS)
    print("| day | extent | training years | 1991 | volume | training years | 1991 "
          "| open water | training | full cover | training | completed | changed | in 1991 |")  # fmt: skip
    print("|" + "---|" * 14)
    for month in range(1, 13):
        date = datetime.date(YEAR, month, 15)
        day = date.timetuple().tm_yday
        samples = [generator.sample(Request(k + 1, date)) for k in range(members)]
        made = figures([sample.state for sample in samples])
        seen, truth = figures(of_day(train, day)), of_day(held_back, day)
        true = figures(truth)
        completed = np.mean([sample.cells_completed for sample in samples])
        changed = np.mean([sample.report.cells_changed for sample in samples])
        changed_true = np.mean([project(state)[1].cells_changed for state in truth])
        print(f"| 15 {date:%b} | {span(made[:, 0])} | {span(seen[:, 0])} | {true[0, 0]:.2f} "
              f"| {span(made[:, 1])} | {span(seen[:, 1])} | {true[0, 1]:.2f} "
              f"| {made[:, 2].mean():.3f} | {seen[:, 2].mean():.3f} "
              f"| {made[:, 3].mean():.3f} | {seen[:, 3].mean():.3f} "
              f"| {completed:.0f} | {changed:.0f} | {changed_true:.0f} |")  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 8)
