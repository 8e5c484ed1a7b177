"""The denoiser in latent space: a small U-Net under EDM preconditioning (Karras et al. 2022)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .architecture import DenoiserConfig
from .blocks import GROUPS, ResidualBlock, downsample, upsample, zero_init
from .normalisation import LatentNormalisation, season


class UNet(nn.Module):
    """Latents (batch, channel, y, x) and a condition (batch, embedding) -> same shape."""

    def __init__(self, config: DenoiserConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        fine, coarse, size = config.channels, config.coarse_channels, config.embedding
        channels, ny, nx = shape

        def blocks(width: int) -> nn.ModuleList:
            return nn.ModuleList(
                ResidualBlock(width, size, config.dropout) for _ in range(config.blocks)
            )

        # The Arctic does not move: each place has an embedding of its own.
        self.position = nn.Parameter(0.1 * torch.randn(fine, ny, nx))
        self.enter = nn.Conv2d(channels, fine, 3, padding=1)
        self.encode, self.down = blocks(fine), downsample(fine, coarse)
        self.middle = blocks(coarse)
        self.deep_down, self.deep = downsample(coarse, coarse), blocks(coarse)
        self.deep_up = upsample(coarse, coarse)
        self.after_deep = blocks(coarse)
        self.up, self.merge = upsample(coarse, fine), nn.Conv2d(2 * fine, fine, 1)
        self.decode = blocks(fine)
        self.leave = nn.Sequential(
            nn.GroupNorm(GROUPS, fine), nn.SiLU(),
            zero_init(nn.Conv2d(fine, channels, 3, padding=1)),
        )  # fmt: skip

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        def run(blocks: nn.ModuleList, h: Tensor) -> Tensor:
            for block in blocks:
                h = block(h, condition)
            return h

        fine = run(self.encode, self.enter(x) + self.position)
        coarse = run(self.middle, self.down(fine))
        deep = run(self.deep, self.deep_down(coarse))
        coarse = run(self.after_deep, coarse + self.deep_up(deep))
        return self.leave(run(self.decode, self.merge(torch.cat([fine, self.up(coarse)], dim=1))))


class Denoiser(nn.Module):
    """D(x; sigma, day): the expected clean latent, given the latent plus noise of std `sigma`.

    Works on normalised latents (unit variance, seasonal mean taken out); `normalisation` carries
    them to the autoencoder's own and back.
    """

    def __init__(self, config: DenoiserConfig, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.config = config
        self.shape = shape
        self.normalisation = LatentNormalisation(shape)
        self.register_buffer("sigma_data", torch.ones(()))
        size = config.embedding
        self.register_buffer("frequencies", torch.exp(torch.linspace(0, math.log(64), 16)) / 2)
        inputs = 2 * 16 + season(torch.ones(1)).shape[1]
        self.embed = nn.Sequential(
            nn.Linear(inputs, size), nn.SiLU(), nn.Linear(size, size), nn.SiLU()
        )
        self.network = UNet(config, shape)

    def forward(self, x: Tensor, sigma: Tensor, day_of_year: Tensor) -> Tensor:
        """x (batch, channel, y, x), sigma (batch,), day_of_year (batch,) -> denoised x."""
        data, s = self.sigma_data, sigma[:, None, None, None]
        total = (s**2 + data**2).sqrt()
        skip, out = data**2 / total**2, s * data / total  # Karras et al. 2022, table 1
        phase = 0.25 * sigma.log()[:, None] * self.frequencies
        features = torch.cat([phase.cos(), phase.sin(), season(day_of_year)], dim=1)
        return skip * x + out * self.network(x / total, self.embed(features)).float()

    def loss(self, clean: Tensor, day_of_year: Tensor) -> Tensor:
        """Weighted squared error (batch,) at random noise levels (Karras et al. 2022, eq. 8)."""
        normal = torch.randn(len(clean), device=clean.device)
        sigma = (self.config.log_sigma_mean + self.config.log_sigma_std * normal).exp()
        noise = torch.randn_like(clean) * sigma[:, None, None, None]
        error = self(clean + noise, sigma, day_of_year) - clean
        weight = (sigma**2 + self.sigma_data**2) / (sigma * self.sigma_data) ** 2
        return weight * error.square().mean(dim=(1, 2, 3))
