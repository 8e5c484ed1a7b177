"""What a denoiser does without a network: the exact denoiser of Gaussian data.

Most of what a trained denoiser does is linear (Wang & Vastola 2024, arXiv 2412.09726). For data
with covariance C the best estimate of x from x plus noise is C (C + sigma^2)^-1 times it. A
network that corrects this one starts from states with the right covariances instead of from white
noise, and falls back on them where six years of a simulation cannot teach it more.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .space import Shape


class GaussianPart(nn.Module):
    """Anomalies (batch, channel, y, x) with noise -> the Gaussian estimate of them without.

    C has `n_eofs` leading EOFs (empirical orthogonal functions) with their variances, and beyond
    them, for each element by itself, the variance that they leave. Without EOFs it is the c_skip of
    Karras et al. 2022, table 1.
    """

    def __init__(self, shape: Shape, n_eofs: int) -> None:
        super().__init__()
        size = shape[0] * shape[1] * shape[2]
        eofs = torch.zeros(n_eofs, size)
        self.register_buffer("eofs", eofs, persistent=n_eofs > 0)
        self.register_buffer("variance", torch.ones(n_eofs), persistent=n_eofs > 0)
        self.register_buffer("rest", torch.ones(shape), persistent=n_eofs > 0)

    @torch.no_grad()
    def fit(self, anomalies: Tensor) -> None:
        """To anomalies (sample, channel, y, x) of mean 0; needs as many samples as EOFs."""
        n_eofs = len(self.eofs)
        if not n_eofs:
            return
        values = anomalies.flatten(1)
        variance, vectors = torch.linalg.eigh(values.T @ values / len(values))
        # rounded as the checkpoint has them: the same bits in training
        self.eofs.copy_(vectors[:, -n_eofs:].T.half())
        self.variance.copy_(variance[-n_eofs:])
        rest = values - (values @ self.eofs.T) @ self.eofs
        self.rest.copy_(rest.square().mean(dim=0).reshape(self.rest.shape))

    def forward(self, x: Tensor, sigma: Tensor, sigma_data: Tensor) -> Tensor:
        """sigma (batch, 1, 1, 1); sigma_data, the spread of all, serves where there are no EOFs."""
        noise = sigma**2
        if not len(self.eofs):
            return x * (sigma_data**2 / (noise + sigma_data**2))
        kept = self.variance / (self.variance + noise[:, :, 0, 0])
        return self._scaled(x, kept, self.rest / (self.rest + noise))

    def start(self, noise: Tensor, sigma: float, sigma_data: Tensor) -> Tensor:
        """Unit noise (batch, channel, y, x) such that sigma times it is Gaussian data with noise of
        std sigma on it: what a sampler should start from, whatever level it starts at."""
        def wider(variance: Tensor) -> Tensor:
            return (1 + variance.to(noise.dtype) / sigma**2).sqrt()

        if not len(self.eofs):
            return noise * wider(sigma_data**2)
        return self._scaled(noise, wider(self.variance), wider(self.rest))

    def _scaled(self, x: Tensor, along: Tensor, beyond: Tensor) -> Tensor:
        """x with its amplitude along each EOF and what is left of it scaled."""
        with torch.autocast(x.device.type, enabled=False):  # bfloat16 would lose what is small
            amplitudes = x.flatten(1).to(self.eofs) @ self.eofs.T
            within, scaled = (
                (a @ self.eofs).reshape(x.shape) for a in (amplitudes, amplitudes * along.float())
            )
            return scaled + (x - within) * beyond
