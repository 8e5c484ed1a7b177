"""Perturbations beside the simulation's own differences and beside Gaussian noise.

    python tools/perturbations.py FOLDER [MEMBERS]

FOLDER has the simulation's years. Around four days of 1991: the members of mode = 'perturb' less
their analysis, at three noise levels; the same days less those 1, 3 and 7 days before; the same
calendar days of two training years; and white Gaussian noise with the variance that the members
have in each cell, on the bounds by projection. Prints correlations between fields over the cells
with ice, the power of each spectral band over that of all bands, and what projection changes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from esm_coupler.fields import FIELDS
from esm_coupler.generator.generator import Generator
from esm_coupler.generator.projection import project
from esm_coupler.generator.request import Request
from esm_coupler.modes.perturb import Perturbation
from esm_coupler.state import State
from esm_coupler.verify.calendar import calendar_day
from esm_coupler.verify.spectra import band_power, band_wavelengths, central_window
from esm_coupler.verify.states import States
from esm_coupler.verify.states_file import read_states

DAYS = ("1991-01-15", "1991-04-15", "1991-07-15", "1991-10-15")
PAIRS = (("sic", "sit"), ("sit", "snt"), ("sic", "snt"), ("siu", "siv"))
LEVELS = (0.3, 1.0, 5.0)
BAND_FIELDS = ("sic", "sit", "siu")


def main(folder: Path, members: int) -> None:
    generator = Generator.load("default")
    year = read_states(folder / "cice_arctic_1991.nc")
    others = [read_states(folder / f"cice_arctic_{y}.nc") for y in (1985, 1989)]
    rows: dict[str, list[tuple[States, np.ndarray, float]]] = {}
    for day in DAYS:
        index = int(np.flatnonzero(year.dates == np.datetime64(day))[0])
        for name, row in _differences(generator, year, others, index, members):
            rows.setdefault(name, []).append(row)
    window = central_window(year.grid)
    side = window[0].stop - window[0].start
    bands = [f"{long:.0f}-{short:.0f}" for long, short in band_wavelengths(side)]
    print("| difference |", *(f"{a}, {b} |" for a, b in PAIRS), "cells that projection changes |",
          *(f"{name} {band} |" for name in BAND_FIELDS for band in bands))  # fmt: skip
    print("|---" * (2 + len(PAIRS) + len(BAND_FIELDS) * len(bands)) + "|")
    for name, found in rows.items():
        _print(name, found, window)


def _differences(
    generator: Generator, year: States, others: list[States], index: int, members: int
) -> Iterator[tuple[str, tuple[States, np.ndarray, float]]]:
    """Name -> differences, the cells with ice, and how many cells of a state projection changes."""
    date = year.dates[index]
    analysis = State(year.fields[index].astype(np.float64), year.names, year.grid)
    ice = analysis["sic"] > 0
    for level in LEVELS:
        wish = Perturbation(analysis, noise_level=level)
        samples = [
            generator.sample(
                Request(k + 1, date.astype(object), sampler="dpm", perturbation=wish)
            )
            for k in range(members)
        ]
        values = np.stack([sample.state.values for sample in samples])
        mended = float(np.mean([sample.report.cells_changed for sample in samples]))
        yield f"noise level {level:g}", (_less(values, analysis), ice, mended)
        made = [_gaussian(analysis, values, seed) for seed in range(members)]
        changed = float(np.mean([count for _, count in made]))
        noise = np.stack([state.values for state, _ in made])
        yield f"Gaussian of level {level:g}", (_less(noise, analysis), ice, changed)
    nothing = float("nan")
    for lag in (1, 3, 7):
        days = [index + step for step in (-6, -3, 0, 3, 6)]
        pairs = [year.fields[d].astype(np.float64) - year.fields[d - lag] for d in days]
        yield f"{lag} days", (_states(np.stack(pairs), analysis), ice, nothing)
    same = [
        states.fields[np.abs(calendar_day(states.dates) - calendar_day(year.dates)[index]) <= 2]
        for states in others
    ]
    both = same[0].astype(np.float64)[:5] - same[1][:5]
    yield "years", (_states(both, analysis), ice, nothing)


def _less(values: np.ndarray, analysis: State) -> States:
    return _states(values - analysis.values, analysis)


def _states(values: np.ndarray, like: State) -> States:
    dates = np.repeat(np.datetime64("1991-01-01"), len(values))
    return States(values, dates, like.names, like.grid)


def _gaussian(analysis: State, members: np.ndarray, seed: int) -> tuple[State, int]:
    """The common practice: noise cell by cell, then what is out of bounds is put on them."""
    noise = np.random.default_rng(seed).standard_normal(analysis.values.shape)
    fields = analysis.values + noise * members.std(axis=0, ddof=1)
    for name, field in zip(analysis.names, fields, strict=True):
        field.clip(*FIELDS[name].plausible, out=field)
    state, report = project(State(fields, analysis.names, analysis.grid))
    return state, report.cells_changed


def _print(name: str, found: list[tuple[States, np.ndarray, float]], window: tuple) -> None:
    correlations = []
    for a, b in PAIRS:
        parts = [
            [(s[name][:, ice] / s[name][:, ice].std()).ravel() for name in (a, b)]
            for s, ice, _ in found
        ]
        one, other = (np.concatenate(side) for side in zip(*parts, strict=True))
        correlations.append(f"{np.corrcoef(one, other)[0, 1]:+.2f} |")
    mean = float(np.mean([count for _, _, count in found]))
    changed = "– |" if np.isnan(mean) else f"{mean:.1f} |"
    shares = []
    power = np.mean([_relative(band_power(s, window)) for s, _, _ in found], axis=0)
    for field in BAND_FIELDS:
        index = found[0][0].names.index(field)
        shares += [f"{value:.2g} |" for value in power[index]]
    print(f"| {name} |", *correlations, changed, *shares)


def _relative(power: np.ndarray) -> np.ndarray:
    """(field, band) mean over states, over the mean of all bands; white noise has 1 in each."""
    mean = power.mean(axis=0)
    return mean / mean.mean(axis=-1, keepdims=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 16)
