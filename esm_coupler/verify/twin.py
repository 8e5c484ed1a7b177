"""A test of perturbed ensembles in which the answer is known: an identical twin.

The truth is a day that the generator was not trained on. The analysis is that truth with an error:
half, say, of the difference between two other days of that time of the year and of different
years, as anomalies from their season without bounds, put on the truth and brought back within the
bounds. So the error has the scales, the covariances and the flow dependence of the simulation. Who
perturbs the analysis knows how large such errors are for sic and sit on that day, root mean square
over many of them, which is the target of the spread, and nothing of the one at hand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import FieldError, InvalidValueError
from ..generator.device import reproducible
from ..generator.generator import Generator
from ..generator.joint import joint_state
from ..generator.projection import project
from ..modes.analysis import require_analysis
from ..modes.perturb import Around
from ..state import State
from .calendar import days_apart, years
from .states import States

KNOWN = 24  # errors that tell how large they are


@dataclass(frozen=True)
class Errors:
    """`share` of the difference of two `training` days within `window` days of the calendar day;
    of different years where there are two."""

    generator: Generator
    training: States
    share: float
    window: int

    def anomalies(self, rng: np.random.Generator, date: np.datetime64) -> tuple[Tensor, ...]:
        """One error, as anomalies of each latent. FieldError if there are no two days."""
        near = np.flatnonzero(days_apart(np.array([date]), self.training.dates)[0] <= self.window)
        if len(near) < 2:
            raise FieldError(
                f"{len(near)} training states lie within {self.window} days of the calendar day "
                f"of {date}, two are needed: give more, or a wider window"
            )
        one = rng.choice(near)
        others = near[years(self.training.dates[near]) != years(self.training.dates[[one]])]
        other = rng.choice(others if len(others) else near[near != one])
        days = (encoded(self.generator, self.training, index) for index in (one, other))
        pairs = zip(*(day.anomalies for day in days), strict=True)
        return tuple(self.share / np.sqrt(2) * (a - b) for a, b in pairs)

    def size(self, rng: np.random.Generator, truth: Around, date: np.datetime64) -> np.ndarray:
        """(field,) root mean square of what errors do to a truth, where then is ice."""
        squares = []
        for _ in range(KNOWN):
            analysis = moved(truth, self.anomalies(rng, date))
            error = np.square(analysis.values - truth.analysis.values)
            squares.append(error[:, analysis["sic"] > 0].mean(axis=1))
        return np.sqrt(np.mean(squares, axis=0))


def encoded(generator: Generator, states: States, index: int) -> Around:
    """A state as the generator sees it."""
    state = State(states.fields[index].astype(np.float64), states.names, states.grid)
    day = states.dates[index].astype(object)
    return Around(generator.model, require_analysis(state, generator.names, generator.grid), day)


def moved(around: Around, anomalies: tuple[Tensor, ...]) -> State:
    """The state with an error put on it, acceptable again."""
    fields = around.model.space.fields(around.moved(anomalies, 1))[0].cpu().numpy()
    decoded, _ = joint_state(fields, around.analysis.names, around.analysis.grid)
    return project(decoded)[0]


def twins(
    generator: Generator, truths: States, errors: Errors, members: int, seed: int,
    options: Mapping[str, Any],
) -> Iterator[tuple[State, States]]:  # fmt: skip
    """For each of `truths` the analysis and its ensemble, whose spread of sic and sit is what the
    errors have; `options` are others of `Generator.perturb`. InvalidValueError for half a pair."""
    if members % 2:
        raise InvalidValueError(f"{members} members are no whole pairs: ask for {members + 1}")
    for index, date in enumerate(truths.dates):
        rng = np.random.default_rng([seed, index])
        with torch.inference_mode(), reproducible(generator.threads):
            truth = encoded(generator, truths, index)
            analysis = moved(truth, errors.anomalies(rng, date))
            size = dict(zip(generator.names, errors.size(rng, truth, date), strict=True))
        target = (float(size["sic"]), float(size["sit"]))
        ensemble = generator.perturb(
            analysis, members, seed, date.astype(object), target_spread=target, **options
        )
        dates = np.repeat(date, members)
        yield analysis, States(ensemble.values, dates, generator.names, generator.grid)
