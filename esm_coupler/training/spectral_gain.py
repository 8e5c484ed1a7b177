"""Gain of the detail of each field: the last step of a training in the spline pyramid.

The coarse latent starts from the training years' covariances, its detail from white noise, and a
denoiser of few data leaves some of it too quiet and some too loud. The levels of the pyramid are
octaves, so a factor for each field and level of the detail, on what the sampler made, sets the
power right where it can be measured: over the central Arctic, against the training years on the
same days.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..fields import DRIFT
from ..generator.generator import Generator, Request
from ..generator.helmholtz import parted
from ..generator.model import Model
from ..generator.pyramid import LEVELS
from ..verify.calendar import day_weights
from ..verify.experiment import days_around_the_year
from ..verify.spectra import band_power, band_wavelengths, central_window, spectral_ratio
from ..verify.states import States

if TYPE_CHECKING:
    from .data import Days

log = logging.getLogger(__name__)
ROUNDS = 2
SEED_APART = 1000  # from the seed of the training, so that no state is scored that set the gain
LEAST, LARGEST = 0.5, 2.0


def set_gains(model: Model, days: Days, n_states: int, seed: int, threads: int) -> None:
    """Set `gain` of the model's refiner by `n_states` states around the year, in ROUNDS rounds:
    concentration and volume are no linear functions of what is diffused."""
    generator = Generator(model, {}, "", str(model.space.mask.device), threads)
    dates = days_around_the_year(n_states)
    window = central_window(model.grid)
    shares = level_shares(band_wavelengths(window[0].stop - window[0].start))
    training, weights = _on_days(days, dates)
    seen = band_power(_of_levels(training), window)
    gains = np.ones((len(model.names), 2))
    for number in range(ROUNDS):
        made = _generated(generator, dates, seed + SEED_APART + number)
        ratio = spectral_ratio(band_power(_of_levels(made), window), seen, weights)
        gains = (gains * gains_for(ratio[: len(model.names)], shares)[:, -2:]).clip(LEAST, LARGEST)
        of_channels = np.concatenate([gains[:, 0], np.repeat(gains[:, 1], 4)])
        model.denoisers[-1].gain.copy_(torch.from_numpy(of_channels)[:, None, None])
        log.info("gain for 2 x 2 cells and for one  %s", "  ".join(
            f"{name} {' '.join(f'{g:.2f}' for g in row)}"
            for name, row in zip(model.names, gains, strict=True)))  # fmt: skip


def level_shares(wavelengths: list[tuple[float, float]]) -> np.ndarray:
    """(band, level): which share of a band, by the logarithm of wavelength, each level holds; a
    level with a coefficient every n cells holds 2 n to 4 n cells, the first all that is longer."""
    longest = np.array([np.inf, *(2.0 * level for level in LEVELS)])
    shortest = np.append(longest[1:], 0.0)
    long, short = np.array(wavelengths).T[:, :, None]
    overlap = np.log(np.minimum(long, longest)) - np.log(np.maximum(short, shortest))
    return overlap.clip(min=0) / np.log(long / short)


def gains_for(ratio: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """(field, level) factors that undo `ratio` (field, band) of power, by least squares."""
    return np.exp(-0.5 * np.linalg.lstsq(shares, np.log(ratio).T, rcond=None)[0].T)


def _generated(generator: Generator, dates: np.ndarray, seed: int) -> States:
    made = [
        generator.sample(Request(k + 1, date.astype(object), seed, sampler="dpm")).state.values
        for k, date in enumerate(dates)
    ]
    return States(np.stack(made), dates, generator.names, generator.grid)


def _on_days(days: Days, dates: np.ndarray) -> tuple[States, np.ndarray]:
    """Training days next to `dates`, and their weights (state,)."""
    of_training = np.datetime64("1991-01-01") + (days.day_of_year - 1).astype("timedelta64[D]")
    weights = day_weights(dates, of_training)
    near = weights > 0
    states = States(days.fields[near], of_training[near], days.names, days.grid)
    return states, weights[near]


def _of_levels(states: States) -> States:
    """Drift as the pyramid has it: the rotational part as siu, the divergent one as siv."""
    if not set(DRIFT) <= set(states.names):
        return states
    fields = states.fields.astype(np.float64)
    drift = [states.names.index(name) for name in DRIFT]
    parts = parted(*torch.from_numpy(fields[:, drift]).unbind(1))
    for index, part in zip(drift, parts, strict=True):
        fields[:, index] = part.numpy()
    return States(fields, states.dates, states.names, states.grid)
