"""Train the denoisers of a space on the latents of daily states."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..generator.checkpoint import read_checkpoint
from ..generator.data_space import DataSpace
from ..generator.denoiser import Denoiser
from ..generator.device import select_device
from ..generator.model import (
    DENOISERS,
    Model,
    load_model,
    load_space,
    make_denoisers,
    save_model,
)
from ..generator.pyramid import Pyramid
from ..generator.space import Space
from .bootstrap import Bootstrap
from .data import Days, read_days
from .loop import Trainer
from .ranks import Ranks
from .spectral_gain import set_gains

if TYPE_CHECKING:
    from ..config import Config

ENCODE_BATCH = 32
VALIDATE_BATCH = 16
VALIDATE_EVERY_DAY = 5
VALIDATION_SEED = 0
# A generated coarse latent is not a true one: the denoiser of the detail learns on coarse latents
# with noise, of at most this share of their spread (Ho et al. 2022, cascaded diffusion, sec. 4).
BLUR = 0.1

Latents = tuple[Tensor, ...]  # each (day, channel, y, x), as anomalies of unit variance


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'denoiser'; writes a checkpoint of kind 'generator'."""
    settings = config.training
    torch.set_num_threads(settings.threads)
    device = select_device(settings.device)
    days = read_days(settings.data, settings.train_years)
    space, before = _space(settings.space, days)
    latents, day_of_year = encode_days(space, days)
    held_back, their_days = encode_days(space, read_days(settings.data, settings.validation_years))
    if isinstance(space, Pyramid):
        space.fit(latents[0])
    torch.manual_seed(settings.seed)
    denoisers = nn.ModuleList(make_denoisers(space, (config.denoiser, config.refiner)))
    latents = tuple(_fit(d, l, day_of_year) for d, l in zip(denoisers, latents, strict=True))
    space, denoisers = space.to(device), denoisers.to(device, memory_format=torch.channels_last)
    bootstrap = Bootstrap(day_of_year, settings.bootstrap_width)

    def loss(indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        chosen = tuple(latent[indices].to(device) for latent in latents)
        first = bootstrap(latents[0], indices).to(device)
        losses = _losses(space, denoisers, chosen, day_of_year[indices].to(device), BLUR, first)
        parts = {name: float(l.detach().mean()) for name, l in losses.items()}
        return sum(l.mean() for l in losses.values()), parts if len(parts) > 1 else {}

    def save(provenance: dict[str, Any]) -> None:
        model = Model(space, tuple(denoisers), days.grid)
        save_model(Path(settings.output), model, before | {"denoiser": provenance})

    some = slice(None, None, VALIDATE_EVERY_DAY)
    held_back = tuple(latent[some] for latent in held_back)
    configs = zip(DENOISERS, (d.config for d in denoisers), strict=False)
    Trainer(
        denoisers, settings, {name: asdict(sizes) for name, sizes in configs}, device,
        len(days.fields), loss=loss, save=save,
        validate=lambda: validation_loss(space, denoisers, held_back, their_days[some]),
    ).run()  # fmt: skip
    if settings.gain_states and Ranks.current().is_first:
        finish(Path(settings.output), days, settings.gain_states, settings.seed, settings.threads)


def finish(path: Path, days: Days, n_states: int, seed: int, threads: int) -> None:
    """Set the gains of a trained checkpoint, and write it again."""
    checkpoint = read_checkpoint(path, "generator")
    model = load_model(checkpoint)
    set_gains(model, days, n_states, seed, threads)
    save_model(path, model, checkpoint.manifest["training"] | {"gain": {"states": n_states}})


def _space(name: str, days: Days) -> tuple[Space, dict[str, Any]]:
    """What is diffused, with the provenance of its own training if it had one."""
    mask = torch.from_numpy(days.grid.mask)
    if name == "fields":
        fields = DataSpace(days.names, mask)
        fields.normalisation.fit(torch.from_numpy(days.fields), fields.mask)
        return fields, {}
    if name == "pyramid":
        return Pyramid(days.names, mask), {}
    source = read_checkpoint(name, "autoencoder")
    space, grid = load_space(source)
    if grid.mask_hash != days.grid.mask_hash or space.names != days.names:
        raise ConfigError(
            f"training_nml: space = '{name}' was trained on other fields or another mask than the "
            "data have: train an autoencoder on these data"
        )
    return space, source.manifest["training"]


@torch.no_grad()
def encode_days(space: Space, days: Days) -> tuple[Latents, Tensor]:
    """Latents of all days, not normalised, and days of the year (day,), on the CPU."""
    parts = [space.latents(batch) for batch in torch.from_numpy(days.fields).split(ENCODE_BATCH)]
    latents = tuple(torch.cat(pieces) for pieces in zip(*parts, strict=True))
    return latents, torch.from_numpy(days.day_of_year).float()


def _fit(denoiser: Denoiser, latents: Tensor, day_of_year: Tensor) -> Tensor:
    """Fit a denoiser's scales to its latents; the latents as anomalies."""
    eofs = denoiser.config.eofs
    if eofs > min(len(latents), latents[0].numel()):
        raise ConfigError(
            f"eofs = {eofs} in the training namelist: {len(latents)} training days of "
            f"{latents[0].numel()} numbers have no more EOFs than the smaller of both: give fewer"
        )
    denoiser.normalisation.fit(latents, day_of_year, denoiser.config.least_spread)
    anomalies = [
        denoiser.normalisation(*batch)
        for batch in zip(latents.split(ENCODE_BATCH), day_of_year.split(ENCODE_BATCH), strict=True)
    ]
    result = torch.cat(anomalies)
    denoiser.sigma_data.copy_(result[:, denoiser.normalisation.varies].std())
    denoiser.gaussian.fit(result)
    return result


def _losses(
    space: Space, denoisers: nn.ModuleList, latents: Latents, days: Tensor, blur: float,
    first: Tensor,
) -> dict[str, Tensor]:
    """The loss (batch,) of each denoiser, told of the latents before its own, blurred; that of
    the first for `first` in place of its latent."""
    losses, known = {}, ()
    targets = first, *latents[1:]
    for name, denoiser, clean, target in zip(DENOISERS, denoisers, latents, targets, strict=False):
        losses[name] = denoiser.loss(target, days, space.context(known))
        amount = blur * torch.rand(len(clean), 1, 1, 1, device=clean.device)
        told = clean + amount * torch.randn_like(clean) if blur else clean
        known = *known, denoiser.normalisation.inverse(told, days)
    return losses


@torch.no_grad()
def validation_loss(
    space: Space, denoisers: nn.ModuleList, latents: Latents, day_of_year: Tensor
) -> dict[str, float]:
    """Mean loss of each denoiser over the held-back days, with the same noise at each call."""
    with torch.random.fork_rng():
        torch.manual_seed(VALIDATION_SEED)
        device = space.mask.device
        sums: dict[str, float] = {}
        for chosen in torch.arange(len(day_of_year)).split(VALIDATE_BATCH):
            days = day_of_year[chosen].to(device)
            batch = tuple(
                d.normalisation(latent[chosen].to(device), days)
                for d, latent in zip(denoisers, latents, strict=True)
            )
            for name, loss in _losses(space, denoisers, batch, days, 0.0, batch[0]).items():
                sums[name] = sums.get(name, 0.0) + float(loss.sum())
    return {f"validation_loss_{name}": total / len(day_of_year) for name, total in sums.items()}
