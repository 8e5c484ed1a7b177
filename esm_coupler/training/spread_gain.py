"""How strong the noise of an emulator is: such that its spread is its error, pooled over cells.

A fair CRPS asks for the right spread cell by cell; of errors with heavy tails it sees the bulk more
than the tails, while spread over RMSE, by which forecasts are judged, is of squares. Two gains, of
the new and of the lasting half of the noise, bring it to 1 over leads of some days, in forecasts of
training days (validation days are left to validate).
"""

from __future__ import annotations

import logging

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from ..errors import ConfigError
from ..fields import DRIFT
from ..generator.architecture import EmulatorConfig
from ..generator.step_network import NAMES, StepNetwork
from ..generator.step_noise import training_noise
from .drives import Drives

log = logging.getLogger(__name__)
LEADS = (1, 3, 7, 15)  # days
MEMBERS, BATCH = 4, 4
JUDGED = {"sic": ("sic",), "sit": ("sit",), "drift": DRIFT}
ICE = 0.15  # concentration from which a drift counts
ROUNDS = 14  # evaluations of all forecasts
LEAST, MOST = 0.25, 4.0  # gain


@torch.no_grad()
def set_spread_gain(network: StepNetwork, known: Drives, n_forecasts: int) -> None:
    """Set `noise_gain` from so many forecasts of training days."""
    device = network.noise_gain.device
    starts = starts_for_gain(network.config, known)
    chosen = starts[np.linspace(0, len(starts) - 1, n_forecasts).astype(int)]

    def misfit(log_gain: np.ndarray) -> float:
        gain = np.exp(log_gain).clip(LEAST, MOST)
        network.noise_gain.copy_(torch.from_numpy(gain))
        ratios = spread_over_error(network, known, chosen, device)
        cost = float(np.mean(np.log(ratios) ** 2))
        log.info("noise gain %.3f %.3f: misfit %.4f", *gain, cost)
        return cost

    options = {"maxfev": ROUNDS, "initial_simplex": [[0.0, 0.0], [0.3, 0.0], [0.0, -0.3]]}
    found = minimize(misfit, [0.0, 0.0], method="Nelder-Mead", options=options)
    network.noise_gain.copy_(torch.from_numpy(np.exp(found.x).clip(LEAST, MOST)))


def starts_for_gain(sizes: EmulatorConfig, known: Drives) -> np.ndarray:
    """Days with as many more after them as the longest lead; ConfigError if there are none, or no
    noise."""
    if not sizes.noise or sizes.nfe > 1:
        raise ConfigError(
            f"gain_forecasts = {sizes.gain_forecasts} in &emulator_nml, but noise = {sizes.noise} "
            f"and nfe = {sizes.nfe} have no noise whose strength could be set: set it to 0"
        )
    enough = set(known.starts.tolist())
    later = range(max(0, LEADS[-1] - known.length) + 1)
    starts = [s for s in known.starts.tolist() if all(s + day in enough for day in later)]
    if not starts:
        raise ConfigError(
            f"gain_forecasts = {sizes.gain_forecasts} in &emulator_nml needs {LEADS[-1] + 1} days "
            "in a row in a year of train_years: give more days, or set it to 0"
        )
    return np.array(starts)


def spread_over_error(
    network: StepNetwork, known: Drives, starts: np.ndarray, device: torch.device
) -> np.ndarray:
    """(lead, judged): spread over RMSE of the mean, with the factor for few members."""
    sums = np.zeros((2, len(LEADS), len(JUDGED)))
    with torch.random.fork_rng():
        torch.manual_seed(2)  # the same noise for each gain
        for some in np.array_split(starts, max(1, len(starts) // BATCH)):
            sums += _variances(network, known, some, device)
    return np.sqrt((1 + 1 / MEMBERS) * sums[0] / sums[1])


def _variances(
    network: StepNetwork, known: Drives, starts: np.ndarray, device: torch.device
) -> np.ndarray:
    """(2, lead, judged): sums of variances of members, and of squared errors of their mean."""
    sizes, n = network.config, len(starts) * MEMBERS
    state = known.states[starts].repeat(MEMBERS, 1, 1, 1).to(device)
    noise = training_noise(network.noise_shapes, sizes.memory, n, LEADS[-1])
    found = []
    for day in range(LEADS[-1]):
        forcing, days = known.between(starts + day)
        told = forcing.repeat(MEMBERS, 1, 1, 1).to(device), days.repeat(MEMBERS).to(device)
        state = network(state, *told, tuple(x.to(device) for x in noise[day]))
        if day + 1 in LEADS:
            truth = known.states[starts + day + 1].to(device)
            found.append(_judged(network, state.unflatten(0, (MEMBERS, len(starts))), truth))
    return np.array(found).transpose(1, 0, 2)


def _judged(network: StepNetwork, members: Tensor, truth: Tensor) -> list[list[float]]:
    variance, error = members.var(dim=0), (members.mean(dim=0) - truth).square()
    ice = network.drift_mask & (truth[:, 0] > ICE)
    places = {name: ice if name in DRIFT else network.mask.expand_as(ice) for name in NAMES}
    sums = []
    for what in (variance, error):
        each = zip(NAMES, what.unbind(dim=1), strict=True)
        of_field = {name: float(values[places[name]].sum()) for name, values in each}
        sums.append([sum(of_field[name] for name in names) for names in JUDGED.values()])
    return sums
