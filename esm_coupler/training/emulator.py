"""Train the emulator: members of a forecast of several days against what the simulation did.

The gradient of the score (forecast_score.py) goes back through all days of the forecast. Forecasts
begin with one day, and get longer as the training goes on; what starts from a trained emulator has
had the single days.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..errors import ConfigError
from ..generator.checkpoint import read_checkpoint
from ..generator.device import select_device
from ..generator.emulator_file import load_emulator, save_emulator
from ..generator.step_network import StepNetwork
from ..generator.step_noise import training_noise
from .drives import Drives, read_drives
from .forecast_score import Score
from .loop import Trainer

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.architecture import EmulatorConfig
    from ..grid import Grid

VALIDATE_EVERY_DAY, VALIDATE_DAYS = 24, 5
NETWORK_SIZES = ("channels", "blocks", "noise", "memory", "nfe")
LONGER = (0.35, 0.5, 0.65)  # of the training: forecasts of an eighth, a quarter, a half, and whole


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'emulator'; writes a checkpoint of kind 'emulator'."""
    settings, sizes = config.training, config.emulator
    torch.set_num_threads(settings.threads)
    device = select_device(settings.device)
    days, known = read_drives(settings.data, settings.train_years, sizes.longest)
    _, held_back = read_drives(settings.data, settings.validation_years, VALIDATE_DAYS)
    torch.manual_seed(settings.seed)
    network, origin = first_network(settings.start_from, sizes, days.grid, known)
    network = network.to(device, memory_format=torch.channels_last)
    score = Score(network, known)

    def loss(indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        if network.diffuses:
            return denoising(network, known, known.starts[indices.numpy()], device), {}
        length = forecast_length(trainer.progress(), sizes.longest, bool(origin))
        n = max(1, len(indices) // length)
        starts = known.starts[indices[:n].numpy() % len(known.starts)]
        by_day = forecast_scores(network, score, known, starts, length, device)
        return torch.stack(by_day).mean(), {"day1": float(by_day[0].detach())}

    def validate() -> dict[str, float]:
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(1)
            starts = held_back.starts[::VALIDATE_EVERY_DAY]
            by_day = forecast_scores(network, score, held_back, starts, VALIDATE_DAYS, device)
        return {f"score_day{day}": float(by_day[day - 1]) for day in (1, VALIDATE_DAYS)}

    def save(provenance: dict[str, Any]) -> None:
        save_emulator(Path(settings.output), network, days.grid, provenance | origin)

    trainer = Trainer(
        network, settings, {"emulator": asdict(sizes)}, device, len(known.starts),
        loss=loss, save=save, validate=validate, picture=lambda config: None,
    )  # fmt: skip
    trainer.run()


def first_network(
    start_from: str, sizes: EmulatorConfig, grid: Grid, known: Drives
) -> tuple[StepNetwork, dict[str, Any]]:
    """A network to train, and what the provenance says of its origin. From a checkpoint it has the
    scales of that one, for they belong to its weights; ConfigError unless it has these sizes and
    this grid."""
    if not start_from:
        network = StepNetwork(sizes, grid)
        fit(network, known)
        return network, {}
    checkpoint = read_checkpoint(start_from, "emulator")
    trained, its_grid = load_emulator(checkpoint)
    for name in NETWORK_SIZES:
        its, asked = (getattr(config, name) for config in (trained.config, sizes))
        if its != asked:
            raise ConfigError(
                f"training_nml: start_from = '{start_from}' has {name} = {its}, &emulator_nml says "
                f"{asked}: weights fit a network of their own size; set it to {its}"
            )
    if its_grid.mask_hash != grid.mask_hash:
        raise ConfigError(
            f"training_nml: start_from = '{start_from}' is of another grid than the data; leave "
            "start_from out, or give data on its grid"
        )
    network = StepNetwork(sizes, grid)
    network.load_state_dict(trained.state_dict())
    before = checkpoint.manifest["training"]["emulator"]
    return network, {"started_from": {"sha256": checkpoint.sha256, "training": before}}


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


def forecast_length(progress: float, longest: int, trained: bool = False) -> int:
    """Days of the forecasts at this share of the training; what is trained has had the first."""
    if trained:
        progress = LONGER[0] + (1 - LONGER[0]) * progress
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
