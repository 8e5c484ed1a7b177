"""The change of a day by diffusion: what the emulator is held against.

The network is a denoiser then (Karras et al. 2022), of the change that transport does not explain
and of the drift, told of the state, the forcing and the season. A day takes as many evaluations as
the sampler makes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from .sampler import dpm
from .schedule import karras_sigmas

LOWEST, HIGHEST = 0.02, 20.0  # noise levels, in sizes of a day's change
LOG_SIGMA_MEAN, LOG_SIGMA_STD = -0.4, 1.4

Body = Callable[[Tensor], Tensor]  # inputs (batch, channel, y/2, x/2) -> one of the shape of a latent


def denoised(body: Body, told: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
    """The expected clean latent, given x = clean + noise of standard deviation sigma (batch,)."""
    s = sigma[:, None, None, None]
    total = (s**2 + 1).sqrt()
    level = (s.log() / 4).expand(-1, 1, *x.shape[-2:])
    out = body(torch.cat([told, x / total, level], dim=1)).float()
    return x / total**2 + s / total * out  # Karras et al. 2022, table 1


def sampled(body: Body, told: Tensor, noise: Tensor, n_steps: int) -> Tensor:
    """The latent that unit noise leads to, by DPM-Solver++(2M)."""

    def denoise(x: Tensor, sigma: float) -> Tensor:
        return denoised(body, told, x, x.new_full((len(x),), sigma))

    return dpm(denoise, noise, karras_sigmas(n_steps, LOWEST, HIGHEST))


def denoising_loss(body: Body, told: Tensor, clean: Tensor, weight: Tensor) -> Tensor:
    """Mean squared error at random noise levels (Karras et al. 2022, eq. 8); weight is 1 where a
    latent means anything."""
    sigma = (LOG_SIGMA_MEAN + LOG_SIGMA_STD * torch.randn(len(clean), device=clean.device)).exp()
    s = sigma[:, None, None, None]
    error = denoised(body, told, clean + s * torch.randn_like(clean), sigma) - clean
    square = (s**2 + 1) / s**2 * error.square() * weight
    return square.sum() / (weight.sum() * len(clean))
