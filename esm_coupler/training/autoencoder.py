"""Train the autoencoder on daily states."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from ..generator import model
from ..generator.autoencoder import Autoencoder
from ..generator.device import select_device
from .data import Days, read_days
from .loop import Trainer

if TYPE_CHECKING:
    from ..config import Config

VALIDATE_EVERY_DAY = 15


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'autoencoder'; writes a checkpoint of that kind."""
    settings = config.training
    torch.set_num_threads(settings.threads)
    days = read_days(settings.data, settings.train_years)
    held_back = read_days(settings.data, settings.validation_years)
    device = select_device(settings.device)
    torch.manual_seed(settings.seed)
    network = Autoencoder(config.autoencoder, days.names, torch.from_numpy(days.grid.mask))
    network.normalisation.fit(torch.from_numpy(days.fields), network.mask)
    network = network.to(device, memory_format=torch.channels_last)
    fields = torch.from_numpy(days.fields)

    def save(provenance: dict[str, Any]) -> None:
        model.save_autoencoder(Path(settings.output), network, days.grid, provenance)

    Trainer(
        network, settings, asdict(config.autoencoder), device, len(fields), save=save,
        loss=lambda indices: network.loss(fields[indices].to(device)),
        validate=lambda: reconstruction_errors(network, held_back, device),
    ).run()  # fmt: skip


@torch.no_grad()
def reconstruction_errors(
    network: Autoencoder, days: Days, device: torch.device
) -> dict[str, float]:
    """Root-mean-square error of decode(encode(x)) over ocean cells, per field, in its units."""
    truth = torch.from_numpy(days.fields[::VALIDATE_EVERY_DAY]).to(device)
    decoded = network.decode(network.encode(truth))
    error = (decoded - truth)[..., network.mask].square().mean(dim=(0, 2)).sqrt()
    return {f"rmse_{n}": float(e) for n, e in zip(days.names, error, strict=True)}
