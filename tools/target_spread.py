"""Whether members have the spread that was asked for, those that found it and others.

    python tools/target_spread.py YEAR.nc [OTHERS]

Around six days of YEAR.nc, states that the generator was not trained on: the root mean square, over
the cells with ice, of the standard deviation of members 1 to 64, which found the level, of the
next OTHERS (64), and of both; and the extent and volume of their mean beside the analysis's.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from esm_coupler import Generator
from esm_coupler.modes.noise_level import PAIRS, SPREAD_FIELDS
from esm_coupler.pairs import pair_variance
from esm_coupler.state import State
from esm_coupler.verify.cover import extent, volume
from esm_coupler.verify.states import States
from esm_coupler.verify.states_file import read_states

FOUND = 2 * PAIRS
ASKED = {
    "01-20": (0.03, 0.2), "03-20": (0.0, 0.15), "05-20": (0.03, 0.2),
    "08-20": (0.06, 0.15), "09-10": (0.05, 0.0), "10-20": (0.05, 0.1),
}  # fmt: skip
COLUMNS = (
    "day", "asked: sic, sit [m]", f"members 1-{FOUND}", "others", "all", "level",
    "stretch of sic, sit", "extent: mean, analysis", "volume: mean, analysis",
)  # fmt: skip


def main(path: str, others: int) -> None:
    generator = Generator.load("default")
    year = read_states(path).of_names(generator.names)
    print("|", " | ".join(COLUMNS), "|")
    print("|---" * len(COLUMNS) + "|")
    for index, date in enumerate(year.dates):
        if (day := str(date)[5:]) in ASKED:
            told = _of_day(generator, year, index, ASKED[day], others)
            print("|", " | ".join([day, *told]), "|", flush=True)


def _of_day(
    generator: Generator, year: States, index: int, asked: tuple[float, float], others: int
) -> list[str]:
    analysis = State(year.fields[index].astype(float), year.names, year.grid)
    ensemble = generator.perturb(
        analysis, FOUND + others, date=year.dates[index].astype(object), target_spread=asked
    )
    ice = analysis["sic"] > 0
    fields = np.stack([ensemble[name][:, ice] for name in SPREAD_FIELDS])
    parts = fields[:, :FOUND], fields[:, FOUND:], fields
    means = np.stack([ensemble.values.mean(axis=0), analysis.values])
    both = States(means, np.repeat(year.dates[index], 2), ensemble.names, ensemble.grid)
    stretch = ensemble.attributes["stretch"]
    return [
        ", ".join(f"{value:g}" if value else "–" for value in asked),
        *(_told([_spread(field) for field in part], 4) for part in parts),
        f"{ensemble.attributes['noise_level']:.3f}",
        _told([stretch[ensemble.names.index(name)] for name in SPREAD_FIELDS], 2),
        _told(extent(both), 3), _told(volume(both), 3),
    ]  # fmt: skip


def _spread(members: np.ndarray) -> float:
    return float(np.sqrt(pair_variance(members).mean()))


def _told(values: Sequence[float] | np.ndarray, decimals: int) -> str:
    return ", ".join(f"{value:.{decimals}f}" for value in values)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else FOUND)
