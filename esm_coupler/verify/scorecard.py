"""All scores of one set of states against others, as one dictionary that JSON can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from . import spectra
from .calendar import day_weights, days_apart, draw_like, years
from .consistency import consistency
from .deformation import BOXES, ORDERS, deformation_scaling
from .frechet import seasonal_faed
from .latent import latent_means, reconstructed
from .memory import WINDOW, nearest_distances, percentiles
from .monthly import distances, monthly_scores, single_year_distances
from .states import States, matched, require_same_grid, with_common_fields
from .truth import score_ensemble

if TYPE_CHECKING:
    from ..generator.autoencoder import Autoencoder


def evaluate(
    generated: States, reference: States, training: States | None = None, *,
    raw: States | None = None, faed: Autoencoder | None = None,
    autoencoder: Autoencoder | None = None, truth: States | None = None,
    pairs: bool = False, cost: Mapping[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score `generated` states against `reference` states of the same calendar days.

    `training`: the generator's own training states, for memory and for how far single years of the
    simulation differ. `raw`: the generated states before projection. `faed`: an autoencoder that
    the generator has nothing to do with. `autoencoder`: the generator's, for its part in the
    spectra. `truth`: with the state that `generated`, an ensemble of one date, is of, and states
    before it; `pairs`: whether these are whole pairs around an analysis. `cost`: figures that were
    measured elsewhere. What is not given is not scored.

    Errors of the package name states that cannot be compared.
    """
    generated, reference = with_common_fields(generated, reference)
    if training is not None:
        generated, training = with_common_fields(generated, training)
        generated, reference = with_common_fields(generated, reference)
    if raw is not None:
        require_same_grid(generated, raw)
    scores = {
        "about": _about(generated, reference, training),
        "distances": _distances(generated, reference, training),
        "monthly": monthly_scores(generated, reference),
        "consistency": _consistency(generated, reference, raw),
    }
    scores["spectra"] = spectral_scores(generated, reference, training, autoencoder)
    if {"siu", "siv"} <= set(generated.names):
        scores["deformation"] = _deformation(generated, reference)
    if truth is not None:
        scores["ensemble"] = score_ensemble(generated, truth, training, pairs)
    if faed is not None:
        scores["faed"] = faed_scores(generated, reference, training, faed)
    if training is not None:
        scores["memory"] = _memory(generated, reference, training)
    if cost:
        scores["cost"] = dict(cost)
    return _plain(scores)


def _plain(value: Any) -> Any:
    """The same with None for what is not a number, which JSON does not know."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def _about(generated: States, reference: States, training: States | None) -> dict[str, Any]:
    sets = {"generated": generated, "reference": reference, "training": training}
    facts = {
        name: {
            "states": len(states), "first": str(states.dates.min()),
            "last": str(states.dates.max()), "years": np.unique(years(states.dates)).tolist(),
        }
        for name, states in sets.items() if states is not None
    }  # fmt: skip
    return {"fields": list(generated.names), "sets": facts}


def _distances(
    generated: States, reference: States, training: States | None
) -> dict[str, dict[str, Any]]:
    """By what the states are held against, and the least and largest of single years."""
    result: dict[str, dict[str, Any]] = {"reference": distances(generated, reference)}
    if training is not None:
        result["training"] = distances(generated, training)
        result["single_years"] = _ranges(single_year_distances(training, generated.dates))
    return result


def _ranges(by_year: Mapping[int, Mapping[str, float]]) -> dict[str, list[float]]:
    """Score -> least and largest over the years; empty for a single year."""
    names = {name for scores in by_year.values() for name in scores}
    values = {name: [s[name] for s in by_year.values() if name in s] for name in sorted(names)}
    return {name: [min(v), max(v)] for name, v in values.items()}


def _consistency(generated: States, reference: States, raw: States | None) -> dict[str, Any]:
    sets = {"generated": generated, "reference": reference, "raw": raw}
    return {name: asdict(consistency(s)) for name, s in sets.items() if s is not None}


def spectral_scores(
    generated: States, reference: States, training: States | None = None,
    autoencoder: Autoencoder | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Ratios of power by name and band: 'reference' and 'training' (generated over each, on the
    same calendar days), 'autoencoder' (decoded reference over reference, paired), 'single_years'
    ([least, largest] of each training year over all), 'years_over_reference' (the same over the
    reference: within it a generated state's ratio is that of a year of the simulation)."""
    window = spectra.central_window(generated.grid)
    side = window[0].stop - window[0].start
    power = spectra.band_power(generated, window)
    sets = {"reference": reference, "training": training}
    ratios, of_set = {}, {}
    for name, states in sets.items():
        if states is not None:
            of_set[name] = spectra.band_power(states, window)
            weights = day_weights(generated.dates, states.dates)
            ratios[name] = spectra.spectral_ratio(power, of_set[name], weights)
    if autoencoder is not None:
        decoded = reconstructed(reference, autoencoder).of_names(reference.names)
        decoded_power = spectra.band_power(decoded, window)
        ratios["autoencoder"] = spectra.spectral_ratio(decoded_power, of_set["reference"])
    scores = {"window_cells": side, "bands_cells": spectra.band_wavelengths(side)}
    names = spectra.spectral_names(generated.names)
    scores |= {key: dict(zip(names, ratio.tolist())) for key, ratio in ratios.items()}
    if training is not None and len(np.unique(years(training.dates))) > 1:
        weights = day_weights(generated.dates, reference.dates)
        mean = np.average(of_set["reference"], axis=0, weights=weights)
        for key, over in (("single_years", None), ("years_over_reference", mean)):
            by_year = spectra.single_year_ratios(
                of_set["training"], training.dates, generated.dates, over
            )
            least, largest = (f(list(by_year.values()), axis=0) for f in (np.min, np.max))
            scores[key] = dict(zip(names, np.stack([least, largest], axis=-1).tolist()))
    return scores


def _memory(generated: States, reference: States, training: States) -> dict[str, Any]:
    """Percentiles of the distances of both, the reference states being of the same season; states
    without a training state of their time of the year are left out."""
    close = days_apart(reference.dates, generated.dates).min(axis=1) <= WINDOW
    result = {}
    for name, states in (("generated", generated), ("reference", reference.subset(close))):
        held_against = days_apart(states.dates, training.dates).min(axis=1) <= WINDOW
        if held_against.any():
            distances_of = nearest_distances(states.subset(held_against), training)
            result[name] = percentiles(distances_of)
    return result


def _deformation(generated: States, reference: States) -> dict[str, Any]:
    true, weights = matched(reference, generated.dates)
    made, seen = deformation_scaling(generated), deformation_scaling(true, weights)
    result: dict[str, Any] = {
        "boxes_cells": list(BOXES),
        "scales_km": made.scales.tolist(),
        "orders": list(ORDERS),
    }
    for name, scaling in (("generated", made), ("reference", seen)):
        result[name] = {
            "moments": scaling.moments.tolist(), "beta": scaling.beta.tolist(),
            "curvature": scaling.curvature,
        }  # fmt: skip
    return result


def faed_scores(
    generated: States, reference: States, training: States | None, faed: Autoencoder
) -> dict[str, Any]:
    """Fréchet distances by season and their mean: from 'reference' and from 'training', and
    'single_years' ([least, largest] of each training year from the others, as many states of the
    same calendar days: the noise floor)."""
    made = latent_means(generated, faed)
    scores: dict[str, Any] = {
        "reference": seasonal_faed(
            made, generated.dates, latent_means(reference, faed), reference.dates
        )
    }
    if training is not None:
        seen = latent_means(training, faed)
        scores["training"] = seasonal_faed(made, generated.dates, seen, training.dates)
        scores["single_years"] = _ranges(single_year_faed(seen, training.dates, generated.dates))
    return scores


def single_year_faed(
    latents: np.ndarray, dates: np.ndarray, like: np.ndarray
) -> dict[int, dict[str, float]]:
    """Year -> seasonal distances of its latents, as many as `like` has dates and of the same
    calendar days, from those of the other years."""
    year, result = years(dates), {}
    numbers = np.unique(year)
    for number in numbers if len(numbers) > 1 else []:
        own = np.flatnonzero(year == number)
        drawn, others = own[draw_like(like, dates[own])], year != number
        result[int(number)] = seasonal_faed(
            latents[drawn], dates[drawn], latents[others], dates[others]
        )
    return result
