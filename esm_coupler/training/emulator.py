"""Train the emulator: members of a forecast of several days against what the simulation did.

The score is the fair CRPS of the members (Lang et al. 2024, arXiv 2412.15832) of each cell, of its
differences to its neighbours and of means of blocks: so members have the spread of their error at
each scale, and are no smoother than the truth. Its gradient goes back through all days of the
forecast. Forecasts begin with one day, and get longer as the training goes on.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..fields import DRIFT
from ..generator.device import select_device
from ..generator.emulator_file import save_emulator
from ..generator.step_network import NAMES, StepNetwork
from ..generator.step_noise import training_noise
from .drives import Drives, read_drives
from .loop import Trainer
from .one_step import fair_crps
from .spread_gain import set_spread_gain, starts_for_gain

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.architecture import EmulatorConfig
    from ..grid import Grid

BLOCKS = (4, 16)  # cells along a side
FAIRNESS = 0.95
QUARTERS = 4  # seasons of which a day's change has its size
LEAST_SIZE = 0.1  # of the mean over all places
SIZED_DAYS = 1000
VALIDATE_EVERY_DAY, VALIDATE_DAYS = 24, 5
LONGER = (0.35, 0.5, 0.65)  # of the training: forecasts of an eighth, a quarter, a half, and whole


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'emulator'; writes a checkpoint of kind 'emulator'."""
    settings, sizes = config.training, config.emulator
    torch.set_num_threads(settings.threads)
    device = select_device(settings.device)
    days, known = read_drives(settings.data, settings.train_years, sizes.longest)
    _, held_back = read_drives(settings.data, settings.validation_years, VALIDATE_DAYS)
    if sizes.gain_forecasts:
        starts_for_gain(sizes, known)  # a fault of the data is told before the training
    torch.manual_seed(settings.seed)
    network = StepNetwork(sizes, days.grid)
    fit(network, known)
    network = network.to(device, memory_format=torch.channels_last)
    score = Score(network, known)

    def loss(indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        if network.diffuses:
            return denoising(network, known, known.starts[indices.numpy()], device), {}
        length = forecast_length(trainer.progress(), sizes.longest)
        n = max(1, len(indices) // length)
        starts = known.starts[indices[:n].numpy() % len(known.starts)]
        by_day = forecast_scores(network, score, known, starts, length, device)
        return torch.stack(by_day).mean(), {"day1": float(by_day[0].detach())}

    def validate() -> dict[str, float]:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(1)
            starts = held_back.starts[::VALIDATE_EVERY_DAY]
            by_day = forecast_scores(network, score, held_back, starts, VALIDATE_DAYS, device)
        return {f"crps_day{day}": float(by_day[day - 1]) for day in (1, VALIDATE_DAYS)}

    def save(provenance: dict[str, Any]) -> None:
        if trainer.progress() == 1 and sizes.gain_forecasts:
            set_spread_gain(network, known, sizes.gain_forecasts)
        save_emulator(Path(settings.output), network, days.grid, provenance)

    trainer = Trainer(
        network, settings, {"emulator": asdict(sizes)}, device, len(known.starts),
        loss=loss, save=save, validate=validate, picture=lambda config: None,
    )  # fmt: skip
    trainer.run()


@torch.no_grad()
def fit(network: StepNetwork, known: Drives) -> None:
    """Scales of forcing, and of what a day's change is beyond transport."""
    some = known.starts[:: max(1, len(known.starts) // 400)]
    both, _ = known.between(some)
    network.forcing_mean.copy_(both.mean(dim=(0, 2, 3))[:, None, None])
    network.forcing_std.copy_(both.std(dim=(0, 2, 3))[:, None, None])
    rest = network.beyond_transport(known.states[some], known.states[some + 1])
    network.change.copy_(rest[:, :, network.mask].std(dim=(0, 2))[:, None, None])


def denoising(
    network: StepNetwork, known: Drives, starts: np.ndarray, device: torch.device
) -> Tensor:
    """Loss of the days after these, of an emulator that diffuses."""
    parts = known.states[starts], known.states[starts + 1], *known.between(starts)
    return network.loss(*(part.to(device) for part in parts))


def forecast_length(progress: float, longest: int) -> int:
    """Days of the forecasts at this share of the training."""
    if progress < LONGER[0]:
        return 1
    halvings = sum(progress < share for share in LONGER[1:])
    return max(1, longest // 2**halvings)


def forecast_scores(
    network: StepNetwork, score: Score, known: Drives, starts: np.ndarray, length: int,
    device: torch.device,
) -> list[Tensor]:  # fmt: skip
    """Mean score of forecasts from these days, after each day."""
    sizes: EmulatorConfig = network.config
    n = sizes.members
    state = known.states[starts].repeat(n, 1, 1, 1).to(device)
    noise = training_noise(network.noise_shapes, sizes.memory, n * len(starts), length)
    by_day = []
    for day in range(length):
        forcing, days = known.between(starts + day)
        told = forcing.repeat(n, 1, 1, 1).to(device), days.repeat(n).to(device)
        state = network(state, *told, tuple(x.to(device) for x in noise[day]))
        members = state.unflatten(0, (n, len(starts)))
        truth = known.states[starts + day + 1].to(device)
        by_day.append(score(members, truth, day + 1, days.to(device)))
    return by_day


class Score:
    """Mean fair CRPS of members (member, sample, field, y, x) against the truth (sample, field, y,
    x), over the root of the days that the forecast has gone.

    Each view is scored in sizes of what a day changes of it, there and in that season: a drift that
    is as smooth as the simulation's, and a pack as closed, count as much as a moving ice edge.
    """

    def __init__(self, network: StepNetwork, known: Drives) -> None:
        ocean, drift = network.mask.float(), network.drift_mask.float()
        self.mask = torch.stack([drift if name in DRIFT else ocean for name in NAMES]).cpu()
        rests, days = _rests(network, known)
        quarters = _quarter(days)
        sizes = [
            torch.stack([_size(_of_quarter(view, quarters, q), weight) for q in range(QUARTERS)])
            for view, weight in _views(rests * self.mask, self.mask)
        ]
        device = network.mask.device
        self.mask, self.sizes = self.mask.to(device), [size.to(device) for size in sizes]

    def __call__(self, members: Tensor, truth: Tensor, days: int, day_of_year: Tensor) -> Tensor:
        quarters = _quarter(day_of_year)
        pairs = zip(
            _views(members * self.mask, self.mask), _views(truth * self.mask, self.mask),
            self.sizes, strict=True,
        )  # fmt: skip
        scores = [
            _mean_crps(member / size[quarters], true / size[quarters], weight)
            for (member, weight), (true, _), size in pairs
        ]
        return torch.stack(scores).mean() / math.sqrt(days)


def _quarter(day_of_year: Tensor) -> Tensor:
    return (day_of_year - 1) * QUARTERS // 366


def _of_quarter(view: Tensor, quarters: Tensor, quarter: int) -> Tensor:
    """Days of a season, or all where the data have none of it."""
    there = quarters == quarter
    return view[there] if there.any() else view


@torch.no_grad()
def _rests(network: StepNetwork, known: Drives) -> tuple[Tensor, Tensor]:
    """What a day changes beyond transport (day, field, y, x), and the days of the year."""
    days = known.starts[:: max(1, len(known.starts) // SIZED_DAYS)]
    before, after = known.states[days], known.states[days + 1]
    return network.beyond_transport(before, after), known.day_of_year[days]


def _size(view: Tensor, weight: Tensor) -> Tensor:
    """(field, y, x): standard deviation of each place, and where that is little a share of what it
    is in the mean of all places."""
    here = view.square().mean(dim=0)
    everywhere = (here * weight).sum(dim=(-1, -2), keepdim=True) / weight.sum(
        dim=(-1, -2), keepdim=True
    )
    return (here + LEAST_SIZE**2 * everywhere).sqrt().clamp(min=1e-6)


def _views(fields: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(..., field, y, x) cell by cell, as differences of neighbours, and as means of blocks, each
    with the weight of its places (field, y, x)."""
    return [
        (fields, mask),
        *(_differences(fields, mask, axis) for axis in (-1, -2)),
        *(_block_means(fields, mask, block) for block in BLOCKS),
    ]


def _differences(fields: Tensor, mask: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    both = mask * mask.roll(-1, axis)
    return (fields.roll(-1, axis) - fields) * both, both


def _block_means(fields: Tensor, mask: Tensor, block: int) -> tuple[Tensor, Tensor]:
    means = F.avg_pool2d(fields.flatten(0, -4), block).unflatten(0, fields.shape[:-3])
    return means, F.avg_pool2d(mask[None], block)[0]


def _mean_crps(members: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted over places, the same for each field."""
    if len(members) == 1:
        crps = (members[0] - truth).abs()
    else:
        crps = fair_crps(members, truth, FAIRNESS)
    return ((crps * weight).sum(dim=(-1, -2)) / weight.sum(dim=(-1, -2))).mean()
