"""The denoiser: a small U-Net under EDM preconditioning (Karras et al. 2022)."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from .architecture import DenoiserConfig
from .blocks import GROUPS, ResidualBlock, downsample, upsample, zero_init
from .gaussian_part import GaussianPart
from .normalisation import LatentNormalisation, season
from .space import Shape


class UNet(nn.Module):
    """Latents (batch, channel, y, x), with `context` more channels behind them, and a condition
    (batch, embedding) -> latents.

    One width of `config.channels` per resolution, from the finest down; `config.patch` x `patch`
    elements are taken together first.
    """

    def __init__(self, config: DenoiserConfig, shape: Shape, context: int = 0) -> None:
        super().__init__()
        widths, patch = config.channels, config.patch
        channels, ny, nx = shape

        def blocks(width: int) -> nn.ModuleList:
            return nn.ModuleList(
                ResidualBlock(width, config.embedding, config.dropout)
                for _ in range(config.blocks)
            )

        steps = list(itertools.pairwise(widths))
        first = widths[0]
        # The Arctic does not move: each place has an embedding of its own.
        self.position = nn.Parameter(0.1 * torch.randn(first, ny // patch, nx // patch))
        self.enter = nn.Sequential(
            nn.PixelUnshuffle(patch),
            nn.Conv2d((channels + context) * patch**2, first, 3, padding=1),
        )
        self.encode = nn.ModuleList(blocks(width) for width in widths[:-1])
        self.down = nn.ModuleList(downsample(fine, coarse) for fine, coarse in steps)
        self.deepest = blocks(widths[-1])
        self.up = nn.ModuleList(upsample(coarse, fine) for fine, coarse in steps)
        self.merge = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in widths[:-1])
        self.decode = nn.ModuleList(blocks(width) for width in widths[:-1])
        self.leave = nn.Sequential(
            nn.GroupNorm(GROUPS, first), nn.SiLU(),
            zero_init(nn.Conv2d(first, channels * patch**2, 3, padding=1)),
            nn.PixelShuffle(patch),
        )  # fmt: skip

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        def run(blocks: nn.ModuleList, h: Tensor) -> Tensor:
            for block in blocks:
                h = block(h, condition)
            return h

        h, skips = self.enter(x) + self.position, []
        for blocks, down in zip(self.encode, self.down, strict=True):
            skips.append(run(blocks, h))
            h = down(skips[-1])
        h = run(self.deepest, h)
        rising = list(zip(self.up, self.merge, self.decode, skips, strict=True))
        for up, merge, blocks, skip in reversed(rising):
            h = run(blocks, merge(torch.cat([skip, up(h)], dim=1)))
        return self.leave(h)


class Denoiser(nn.Module):
    """D(x; sigma, day, context): the expected clean latent, given the latent plus noise of std
    `sigma` and, for a finer latent, what the coarser ones say (`context` channels).

    Works on normalised latents (unit variance, seasonal mean taken out); `normalisation` carries
    them to the autoencoder's own and back.
    """

    def __init__(self, config: DenoiserConfig, shape: Shape, context: int = 0) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.normalisation = LatentNormalisation(shape, config.spread_nodes, config.harmonics)
        self.register_buffer("sigma_data", torch.ones(()))
        self.gaussian = GaussianPart(shape, config.eofs)
        # of the detail that a sampler makes (training/spectral_gain.py)
        self.register_buffer("gain", torch.ones(shape[0], 1, 1), persistent=context > 0)
        size = config.embedding
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(64), 16)) / 2)
        inputs = 2 * 16 + season(torch.ones(1)).shape[1]
        self.embed = nn.Sequential(
            nn.Linear(inputs, size), nn.SiLU(), nn.Linear(size, size), nn.SiLU()
        )
        self.network = UNet(config, shape, context)

    def forward(
        self, x: Tensor, sigma: Tensor, day_of_year: Tensor, context: Tensor | None = None
    ) -> Tensor:
        """x (batch, channel, y, x), sigma (batch,), day_of_year (batch,) -> denoised x."""
        data, s = self.sigma_data, sigma[:, None, None, None]
        total = (s**2 + data**2).sqrt()
        out = s * data / total  # Karras et al. 2022, table 1
        phase = 0.25 * sigma.log()[:, None] * self.frequencies
        features = torch.cat([phase.cos(), phase.sin(), season(day_of_year)], dim=1)
        scaled = x / total if context is None else torch.cat([x / total, context], dim=1)
        estimate = self.gaussian(x, s, data)
        return estimate + out * self.network(scaled, self.embed(features)).float()

    def loss(self, clean: Tensor, day_of_year: Tensor, context: Tensor | None = None) -> Tensor:
        """Weighted squared error (batch,) at random noise levels (Karras et al. 2022, eq. 8)."""
        normal = torch.randn(len(clean), device=clean.device)
        sigma = (self.config.log_sigma_mean + self.config.log_sigma_std * normal).exp()
        noise = torch.randn_like(clean) * sigma[:, None, None, None]
        error = self(clean + noise, sigma, day_of_year, context) - clean
        weight = (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2
        # Elements over land never vary: they are no part of what is learned.
        return weight * error[:, self.normalisation.varies].square().mean(dim=1)
