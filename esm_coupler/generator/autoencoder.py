"""Variational autoencoder with a censored Gaussian decoder (Finn et al. 2024).

The decoder gives the mean of x* in x = clip(x*, lower, upper). Two things keep it from smoothing
(`detail_weight` and the way up): the error of each scale counts relative to how much detail the
simulation has there, and the decoder adds detail to an interpolation, which is smooth by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .architecture import AutoencoderConfig
from .blocks import GROUPS, ResidualBlock, downsample, upsample, zero_init
from .details import Details
from .likelihood import censored_nll
from .normalisation import FieldNormalisation
from .variables import VARIABLES

# Two halvings of the grid: one latent element stands for 4 x 4 cells.
REDUCTION = 4
LOG_VARIANCE_RANGE = (-14.0, 4.0)


class Autoencoder(nn.Module):
    """Fields (batch, field, y, x) in physical units <-> latents (batch, channel, y/4, x/4)."""

    def __init__(self, config: AutoencoderConfig, names: tuple[str, ...], mask: Tensor) -> None:
        super().__init__()
        wide, latent = 2 * config.channels, config.latent_channels
        self.config = config
        self.names = names
        self.normalisation = FieldNormalisation(VARIABLES[config.variables](names))
        self.details = Details(len(names), mask)
        self.register_buffer("mask", mask.bool(), persistent=False)
        # Adam moves it slowly: start near where it ends, a tenth of each field's spread.
        self.log_std = nn.Parameter(torch.full((len(names), 1, 1), -2.0))
        self.encoder = _encoder(config, len(names) + 1)
        self.encoder_shortcut = nn.Conv2d((len(names) + 1) * REDUCTION**2, 2 * latent, 1)
        # The coast is given to the decoder, so that the latent need not carry it.
        self.enter = nn.Conv2d(latent + REDUCTION**2, wide, 3, padding=1)
        self.decoder = _Decoder(config, len(names))

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        ny, nx = self.mask.shape
        return self.config.latent_channels, ny // REDUCTION, nx // REDUCTION

    def posterior(self, normalised: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent of normalised fields."""
        land = self.mask.expand(len(normalised), 1, -1, -1).to(normalised)
        inputs = torch.cat([normalised * land, land], dim=1)
        # The shortcut carries what is linear, so that the network need only add the rest.
        both = self.encoder(inputs) + self.encoder_shortcut(F.pixel_unshuffle(inputs, REDUCTION))
        mean, log_variance = both.float().chunk(2, dim=1)
        return mean, log_variance.clamp(*LOG_VARIANCE_RANGE)

    def encode(self, fields: Tensor) -> Tensor:
        """Physical fields -> mean of their latent."""
        return self.posterior(self.normalisation(fields))[0]

    def decode_mean(self, latent: Tensor) -> Tensor:
        """Latent -> mean of the uncensored x* in normalised units."""
        coast = F.pixel_unshuffle(self.mask[None, None].to(latent), REDUCTION)
        coast = coast.expand(len(latent), -1, -1, -1)
        return self.decoder(self.enter(torch.cat([latent, coast], dim=1)))

    def decode(self, latent: Tensor) -> Tensor:
        """Latent -> physical fields of clip(mean), which lie on the bounds where the mean does."""
        return self._fields(self.decode_mean(latent))

    def _fields(self, mean: Tensor) -> Tensor:
        return torch.where(self.mask, self.normalisation.inverse(mean), 0.0)

    def loss(self, fields: Tensor) -> tuple[Tensor, dict[str, float]]:
        """Negative evidence lower bound per ocean value with the error of the details added, and
        the parts for the log."""
        x = self.normalisation(fields)
        mean, log_variance = self.posterior(x)
        latent = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        decoded = self.decode_mean(latent)
        nll = self._nll(fields, x, decoded).mean()
        kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(dim=(1, 2, 3)).mean()
        kl = kl / (len(self.names) * self.mask.sum())
        detail = self.details.error(self._fields(decoded), fields)
        loss = nll + self.config.kl_weight * kl + self.config.detail_weight * detail.mean()
        scales = {f"detail_{n}": float(d) for n, d in enumerate(detail.detach(), start=1)}
        std = self.log_std.detach().exp().flatten()
        spread = {f"std_{n}": float(s) for n, s in zip(self.names, std, strict=True)}
        return loss, {"nll": nll.item(), "kl": kl.item(), **scales, **spread}

    def _nll(self, fields: Tensor, x: Tensor, decoded: Tensor) -> Tensor:
        """(variable,) weighted mean over the ocean."""
        if self.config.likelihood == "censored":
            lower, upper = self.normalisation.bounds()
        else:
            lower, upper = torch.full_like(self.log_std, -torch.inf), torch.inf
            upper = torch.full_like(self.log_std, upper)
        nll = censored_nll(x, decoded, self.log_std, lower, upper)
        weight = self.normalisation.variables.weight(fields) * self.mask
        return (nll * weight).sum(dim=(0, 2, 3)) / weight.sum(dim=(0, 2, 3)).clamp(min=1)


def _encoder(config: AutoencoderConfig, inputs: int) -> nn.Sequential:
    fine, wide = config.channels, 2 * config.channels
    return nn.Sequential(
        downsample(inputs, fine),
        ResidualBlock(fine), ResidualBlock(fine),
        downsample(fine, wide),
        *(ResidualBlock(wide) for _ in range(config.latent_blocks)),
        nn.GroupNorm(GROUPS, wide), nn.SiLU(), nn.Conv2d(wide, 2 * config.latent_channels, 1),
    )  # fmt: skip


class _Decoder(nn.Module):
    """(batch, wide, y/4, x/4) -> (batch, output, y, x): interpolation plus shuffled detail."""

    def __init__(self, config: AutoencoderConfig, outputs: int) -> None:
        super().__init__()
        fine, wide = config.channels, 2 * config.channels
        self.coarse = nn.Sequential(*(ResidualBlock(wide) for _ in range(config.latent_blocks)))
        self.up, self.smooth_up = upsample(wide, fine), nn.Conv2d(wide, fine, 1)
        self.fine = nn.Sequential(
            ResidualBlock(fine), ResidualBlock(fine), ResidualBlock(fine),
            nn.GroupNorm(GROUPS, fine), nn.SiLU(),
        )  # fmt: skip
        self.base = nn.Conv2d(fine, outputs, 3, padding=1)
        self.detail = zero_init(nn.Conv2d(fine, 4 * outputs, 3, padding=1))

    def forward(self, h: Tensor) -> Tensor:
        h = self.coarse(h)
        h = self.up(h) + F.interpolate(self.smooth_up(h), scale_factor=2, mode="bilinear")
        h = self.fine(h)
        # In bfloat16 the rounding of a metre of ice would be larger than the finest detail.
        with torch.autocast(h.device.type, enabled=False):
            h = h.float()
            base = F.interpolate(self.base(h), scale_factor=2, mode="bicubic")
            return base + F.pixel_shuffle(self.detail(h), 2)
