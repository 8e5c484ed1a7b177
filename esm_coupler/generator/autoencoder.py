"""Variational autoencoder with a censored Gaussian decoder (Finn et al. 2024).

The decoder gives the mean of x* in x = clip(x*, lower, upper); pixels are shuffled into channels
rather than averaged, so that the decoder can place detail at the grid scale.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .architecture import AutoencoderConfig
from .blocks import GROUPS, ResidualBlock, downsample, upsample
from .likelihood import censored_nll
from .normalisation import FieldNormalisation
from .space import OneLatent, Shape

LOG_VARIANCE_RANGE = (-12.0, 4.0)


class Autoencoder(OneLatent):
    """Fields (batch, field, y, x) in physical units <-> latents (batch, channel, y/r, x/r) with
    r = 2 ** `config.halvings`."""

    def __init__(self, config: AutoencoderConfig, names: tuple[str, ...], mask: Tensor) -> None:
        super().__init__()
        wide, fine, latent = 2 * config.channels, config.channels, config.latent_channels
        self.config = config
        self.names = names
        self.reduction = 2**config.halvings
        self.normalisation = FieldNormalisation(names)
        self.register_buffer("mask", mask.bool(), persistent=False)
        # Adam moves it slowly: start near where it ends, a tenth of each field's spread.
        self.log_std = nn.Parameter(torch.full((len(names), 1, 1), -2.0))
        self.encoder = nn.Sequential(
            downsample(len(names) + 1, fine),
            ResidualBlock(fine), ResidualBlock(fine),
            downsample(fine, wide),
            *(downsample(wide, wide) for _ in range(config.halvings - 2)),
            *(ResidualBlock(wide) for _ in range(config.latent_blocks)),
            nn.GroupNorm(GROUPS, wide), nn.SiLU(), nn.Conv2d(wide, 2 * latent, 1),
        )  # fmt: skip
        # The coast is given to the decoder, so that the latent need not carry it.
        self.enter = nn.Conv2d(latent + self.reduction**2, wide, 3, padding=1)
        self.decoder = nn.Sequential(
            *(ResidualBlock(wide) for _ in range(config.latent_blocks)),
            *(upsample(wide, wide) for _ in range(config.halvings - 2)),
            upsample(wide, fine),
            ResidualBlock(fine), ResidualBlock(fine), ResidualBlock(fine),
            nn.GroupNorm(GROUPS, fine), nn.SiLU(), nn.Conv2d(fine, 4 * len(names), 3, padding=1),
            nn.PixelShuffle(2),
        )  # fmt: skip

    @property
    def latent_shape(self) -> Shape:
        ny, nx = self.mask.shape
        return self.config.latent_channels, ny // self.reduction, nx // self.reduction

    def posterior(self, normalised: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent of normalised fields."""
        land = self.mask.expand(len(normalised), 1, -1, -1).to(normalised)
        mean, log_variance = self.encoder(torch.cat([normalised * land, land], dim=1)).chunk(2, 1)
        return mean, log_variance.clamp(*LOG_VARIANCE_RANGE)

    def encode(self, fields: Tensor) -> Tensor:
        """Physical fields -> mean of their latent."""
        return self.posterior(self.normalisation(fields))[0]

    def decode_mean(self, latent: Tensor) -> Tensor:
        """Latent -> mean of the uncensored x* in normalised units."""
        coast = F.pixel_unshuffle(self.mask[None, None].to(latent), self.reduction)
        coast = coast.expand(len(latent), -1, -1, -1)
        return self.decoder(self.enter(torch.cat([latent, coast], dim=1)))

    def decode(self, latent: Tensor) -> Tensor:
        """Latent -> physical fields clip(mean), which lie on the bounds where the mean passes."""
        return torch.where(self.mask, self.normalisation.censored(self.decode_mean(latent)), 0.0)

    def loss(self, fields: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Negative evidence lower bound per ocean value, and its parts for the log."""
        x = self.normalisation(fields)
        mean, log_variance = self.posterior(x)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        lower, upper = self.normalisation.bounds()
        if self.config.likelihood == "gaussian":
            lower, upper = torch.full_like(lower, -torch.inf), torch.full_like(upper, torch.inf)
        decoded = self.decode_mean(latent).float()
        nll = censored_nll(x, decoded, self.log_std, lower, upper)[..., self.mask].mean(dim=(0, 2))
        kl = 0.5 * (mean.float() ** 2 + log_variance.float().exp() - 1 - log_variance.float())
        kl_per_value = kl.sum(dim=(1, 2, 3)).mean() / (len(self.names) * self.mask.sum())
        loss = nll.mean() + self.config.kl_weight * kl_per_value
        std = self.log_std.detach().exp().flatten()
        parts = {f"std_{n}": float(s) for n, s in zip(self.names, std, strict=True)}
        return loss, {"nll": nll.mean().item(), "kl": kl_per_value.item(), **parts}
