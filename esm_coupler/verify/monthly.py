"""The scores of ice cover, month by month, against reference states of the same calendar days."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import cover
from .calendar import draw_like
from .distributions import crps, wasserstein
from .joint import hellinger, joint_histogram
from .states import States, matched

Means = dict[str, Callable[[States], np.ndarray]]


def quantities(names: tuple[str, ...]) -> Means:
    """What is one number a state: shares of exact zero and of full cover, marginal ice zone and
    extent [1e6 km2], and volume [1e3 km3] where there is thickness."""
    means: Means = {
        "zero": cover.zero_frequency, "full": cover.full_frequency,
        "marginal": cover.marginal_area, "extent": cover.extent,
    }  # fmt: skip
    return means | {"volume": cover.volume} if "sit" in names else means


def monthly_scores(states: States, reference: States) -> dict[int, dict[str, Any]]:
    """Month -> scores of the states of that month.

    For each quantity the means {'generated', 'reference'}, for extent and volume 'crps' and
    'wasserstein' too, and 'ice_probability' (root-mean-square error over ocean cells).
    """
    return {month: _of_month(part, reference) for month, part in states.by_month()}


def _of_month(states: States, reference: States) -> dict[str, Any]:
    true, weights = matched(reference, states.dates)
    scores: dict[str, Any] = {"states": len(states), "reference_states": len(true)}
    for name, quantity in quantities(states.names).items():
        made, seen = quantity(states), quantity(true)
        scores[name] = {
            "generated": float(made.mean()), "reference": float(np.average(seen, weights=weights))
        }  # fmt: skip
        if name in ("extent", "volume"):
            scores[name]["crps"] = crps(made, seen, weights)
            scores[name]["wasserstein"] = wasserstein(made, seen, weights)
    probabilities = cover.ice_probability(states), cover.ice_probability(true, weights)
    scores["ice_probability"] = cover.probability_rmse(*probabilities, states.grid.mask)
    return scores


def distances(states: States, reference: States) -> dict[str, float]:
    """One number a score, each least for states like the reference: means over months of what
    `monthly_scores` gives (of zero, full and marginal the absolute differences), and the Hellinger
    distance of the joint histograms of (sic, sit) over all states."""
    months = list(monthly_scores(states, reference).values())
    result = {}
    for name in ("zero", "full", "marginal"):
        result[name] = _mean(abs(m[name]["generated"] - m[name]["reference"]) for m in months)
    result["ice_probability"] = _mean(m["ice_probability"] for m in months)
    for name in ("extent", "volume"):
        for score in ("crps", "wasserstein"):
            if name in months[0]:
                result[f"{name}_{score}"] = _mean(m[name][score] for m in months)
    if "sit" in states:
        true, weights = matched(reference, states.dates)
        result["joint"] = hellinger(joint_histogram(states), joint_histogram(true, weights))
    return result


def _mean(values: Any) -> float:
    return float(np.mean(list(values)))


def single_year_distances(training: States, dates: np.ndarray) -> dict[int, dict[str, float]]:
    """Year -> `distances` of as many states of that year, of the calendar days of `dates`, from
    the other years: what a perfect generator could not be far below."""
    return {
        year: distances(own.subset(draw_like(dates, own.dates)), others)
        for year, own, others in training.single_years()
    }
