"""Train the denoiser on the latents of daily states."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ..errors import ConfigError
from ..generator.autoencoder import Autoencoder
from ..generator.checkpoint import read_checkpoint
from ..generator.denoiser import Denoiser
from ..generator.device import select_device
from ..generator.model import Model, load_autoencoder, save_model
from .data import Days, read_days
from .loop import Trainer

if TYPE_CHECKING:
    from ..config import Config

ENCODE_BATCH = 32
VALIDATION_SEED = 0


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'denoiser'; writes a checkpoint of kind 'generator'."""
    settings = config.training
    torch.set_num_threads(settings.threads)
    device = select_device(settings.device)
    source = read_checkpoint(settings.autoencoder, "autoencoder")
    autoencoder, grid = load_autoencoder(source)
    autoencoder = autoencoder.to(device).eval()
    days = read_days(settings.data, settings.train_years)
    if days.names != autoencoder.names:
        raise ConfigError(
            f"training_nml: autoencoder '{settings.autoencoder}' has {', '.join(autoencoder.names)}"
            f", the data have {', '.join(days.names)}: take the data that it was trained on"
        )
    latents, day_of_year = encode_days(autoencoder, days)
    held_back = encode_days(autoencoder, read_days(settings.data, settings.validation_years))
    torch.manual_seed(settings.seed)
    network = Denoiser(config.denoiser, autoencoder.latent_shape)
    network.normalisation.fit(latents, day_of_year)
    latents = network.normalisation(latents, day_of_year)
    network.sigma_data.copy_(latents.std())
    network = network.to(device, memory_format=torch.channels_last)

    def loss(indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        batch = latents[indices].to(device), day_of_year[indices].to(device)
        return network.loss(*batch).mean(), {}

    def save(provenance: dict[str, Any]) -> None:
        parts = source.manifest["training"] | {"denoiser": provenance}
        save_model(Path(settings.output), Model(autoencoder, network, grid), parts)

    Trainer(
        network, settings, config.denoiser, device, len(latents), loss=loss, save=save,
        validate=lambda: validation_loss(network, *held_back),
    ).run()  # fmt: skip


@torch.no_grad()
def encode_days(autoencoder: Autoencoder, days: Days) -> tuple[Tensor, Tensor]:
    """Latent means (day, channel, y, x) and days of the year (day,), on the CPU."""
    device = autoencoder.mask.device
    batches = torch.from_numpy(days.fields).split(ENCODE_BATCH)
    latents = torch.cat([autoencoder.encode(batch.to(device)).cpu() for batch in batches])
    return latents, torch.from_numpy(days.day_of_year).float()


@torch.no_grad()
def validation_loss(network: Denoiser, latents: Tensor, day_of_year: Tensor) -> dict[str, float]:
    """Mean loss over the held-back days, with the same noise at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(VALIDATION_SEED)
        clean = network.normalisation(*(t.to(network.sigma_data) for t in (latents, day_of_year)))
        days = day_of_year.to(clean)
        losses = [network.loss(*b) for b in zip(clean.split(64), days.split(64), strict=True)]
    return {"validation_loss": float(torch.cat(losses).mean())}
