"""Train a generator of one step: noise and the day in, a state out by a single evaluation.

It learns from the fair CRPS of a few members a day, cell by cell and of the means of blocks of
cells, so that larger scales are scored too: Lang et al. 2024 (arXiv 2412.15832), who train weather
forecasts so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional as F

from ..generator.data_space import DataSpace
from ..generator.denoiser import Denoiser
from ..generator.device import select_device
from ..generator.model import Model, make_denoisers, save_model
from ..generator.schedule import SIGMA_MAX
from .data import read_days
from .denoiser import VALIDATE_BATCH, VALIDATE_EVERY_DAY, VALIDATION_SEED, encode_days
from .loop import Trainer
from .view_crps import FAIRNESS, fair_crps

if TYPE_CHECKING:
    from ..config import Config

N_MEMBERS = 2
BLOCKS = (1, 2, 4, 8, 16)  # cells along a side
# What lies beyond a bound is clipped when it is decoded: it counts this little, but not nothing,
# so that there is a way back.
BEYOND_BOUNDS = 0.1


def train(config: Config) -> None:
    """Run `training_nml` with kind = 'one_step'; writes a checkpoint of kind 'generator'."""
    settings = config.training
    torch.set_num_threads(settings.threads)
    device = select_device(settings.device)
    days = read_days(settings.data, settings.train_years)
    space = DataSpace(days.names, torch.from_numpy(days.grid.mask))
    space.normalisation.fit(torch.from_numpy(days.fields), space.mask)
    (latents,), day_of_year = encode_days(space, days)
    held_back = read_days(settings.data, settings.validation_years)
    (true,), their_days = encode_days(space, held_back)
    torch.manual_seed(settings.seed)
    (network,) = make_denoisers(space, (config.denoiser,))
    network.normalisation.fit(latents, day_of_year, config.denoiser.least_spread)
    space, network = space.to(device), network.to(device, memory_format=torch.channels_last)

    def loss(indices: Tensor) -> tuple[Tensor, dict[str, float]]:
        chosen, their_day = latents[indices].to(device), day_of_year[indices].to(device)
        by_block = block_scores(space, make_members(network, their_day), chosen)
        figures = {block: score.detach() for block, score in by_block.items()}
        return torch.stack(list(by_block.values())).mean(), _figures(figures, "crps")

    def save(provenance: dict[str, Any]) -> None:
        model = Model(space, (network,), days.grid, one_step=True)
        save_model(Path(settings.output), model, {"denoiser": provenance})

    some = slice(None, None, VALIDATE_EVERY_DAY)
    Trainer(
        network, settings, {"denoiser": asdict(config.denoiser)}, device, len(latents),
        loss=loss, save=save,
        validate=lambda: validation_scores(space, network, true[some], their_days[some]),
    ).run()  # fmt: skip


def make_members(network: Denoiser, day_of_year: Tensor, n: int = N_MEMBERS) -> Tensor:
    """(batch,) days -> (n, batch, channel, y, x) latents, each from noise of its own."""
    days = day_of_year.repeat_interleave(n)  # a day's members stay together on several ranks
    noise = SIGMA_MAX * torch.randn((len(days), *network.shape), device=days.device)
    made = network(noise, torch.full_like(days, SIGMA_MAX), days)
    return network.normalisation.inverse(made, days).unflatten(0, (-1, n)).movedim(1, 0)


def block_scores(
    space: DataSpace, members: Tensor, truth: Tensor, blocks: Sequence[int] = BLOCKS
) -> dict[int, Tensor]:
    """Block's side -> mean score of latents (member, batch, channel, y, x) against (batch, channel,
    y, x); blocks that do not fit into the grid are left out."""
    bounded, ocean = _bounded(space, members) * space.mask, space.mask.float().mean()
    return {
        block: fair_crps(_means(bounded, block), _means(truth, block), FAIRNESS).mean() / ocean
        for block in blocks if block <= min(truth.shape[-2:])
    }  # fmt: skip


def _bounded(space: DataSpace, latents: Tensor) -> Tensor:
    """Normalised fields, what is beyond the bounds of a field shortened."""
    inside = latents.clamp(*space.normalisation.bounds())
    return inside + BEYOND_BOUNDS * (latents - inside)


def _means(fields: Tensor, block: int) -> Tensor:
    """Means (..., y / block, x / block) of blocks of cells; a rest at the edges is left out."""
    pooled = F.avg_pool2d(fields.flatten(0, -4), block)
    return pooled.unflatten(0, fields.shape[:-3])


@torch.no_grad()
def validation_scores(
    space: DataSpace, network: Denoiser, latents: Tensor, day_of_year: Tensor
) -> dict[str, float]:
    """Mean scores of held-back days by block, with the same noise at each call."""
    sums: dict[int, float] = {}
    with torch.random.fork_rng():
        torch.manual_seed(VALIDATION_SEED)
        for chosen in torch.arange(len(latents)).split(VALIDATE_BATCH):
            members = make_members(network, day_of_year[chosen].to(space.mask.device))
            scores = block_scores(space, members, latents[chosen].to(space.mask.device))
            for block, score in scores.items():
                sums[block] = sums.get(block, 0.0) + float(score) * len(chosen)
    return _figures({b: total / len(latents) for b, total in sums.items()}, "validation_crps")


def _figures(by_block: dict[int, Any], name: str) -> dict[str, float]:
    return {f"{name}_{block}": float(score) for block, score in by_block.items()}
