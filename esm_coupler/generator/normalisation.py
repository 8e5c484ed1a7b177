"""From physical fields to network inputs and back; from latents to unit variance and back."""

from __future__ import annotations

import math
import torch
from torch import Tensor, nn

from .variables import FieldVariables

FIT_BATCH = 64  # samples at a time: years of fields are large
HARMONICS = 3
DAYS_PER_YEAR = 365.25


def season(day_of_year: Tensor) -> Tensor:
    """(batch,) days, 1 = 1 January -> (batch, 1 + 2 HARMONICS): 1 and the yearly harmonics."""
    phase = 2 * math.pi * (day_of_year[:, None] - 1) / DAYS_PER_YEAR
    order = torch.arange(1, HARMONICS + 1, device=day_of_year.device)
    return torch.cat([torch.ones_like(phase), (order * phase).cos(), (order * phase).sin()], dim=1)


class FieldNormalisation(nn.Module):
    """Fields (batch, field, y, x) in physical units <-> variables (see variables.py) with zero
    mean and unit variance."""

    def __init__(self, variables: FieldVariables) -> None:
        super().__init__()
        self.variables = variables
        size = (len(variables.names), 1, 1)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))

    @torch.no_grad()
    def fit(self, fields: Tensor, mask: Tensor) -> None:
        """Weighted mean and standard deviation over (sample, field, y, x) where mask (y, x) is
        ocean."""
        for index in range(fields.shape[1]):
            parts = [
                (self.variables(part)[:, index, mask], self.variables.weight(part)[:, index, mask])
                for part in fields.split(FIT_BATCH)
            ]
            values, weights = (torch.cat(pieces).double() for pieces in zip(*parts, strict=True))
            mean = (values * weights).sum() / weights.sum()
            variance = ((values - mean).square() * weights).sum() / weights.sum()
            self.mean[index], self.std[index] = mean, variance.sqrt()

    def forward(self, fields: Tensor) -> Tensor:
        return (self.variables(fields) - self.mean) / self.std

    def inverse(self, values: Tensor) -> Tensor:
        """Normalised variables -> fields, exactly on a bound where a variable reaches one."""
        lower, upper = self.bounds()
        low, high = self.variables.lower, self.variables.upper
        variables = (values * self.std + self.mean).clamp(low, high)
        # Normalising and back is only nearly the identity.
        variables = torch.where(values <= lower, low, torch.where(values >= upper, high, variables))
        return self.variables.fields(variables)

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of each variable in normalised units, (variable, 1, 1) each."""
        return (
            (self.variables.lower - self.mean) / self.std,
            (self.variables.upper - self.mean) / self.std,
        )


class LatentNormalisation(nn.Module):
    """Latents (batch, channel, y, x) <-> anomalies from the seasonal cycle with unit variance.

    The seasonal mean is a regression on yearly harmonics at each element, so that the denoiser
    spends its capacity on what differs from year to year.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("harmonics", torch.zeros(1 + 2 * HARMONICS, *shape))
        self.register_buffer("std", torch.ones(shape))
        self.register_buffer("varies", torch.ones(shape, dtype=torch.bool), persistent=False)

    @torch.no_grad()
    def fit(self, latents: Tensor, day_of_year: Tensor) -> None:
        """Least squares over (sample, channel, y, x)."""
        basis = season(day_of_year.double())
        flat = latents.flatten(1).double()
        solution = torch.linalg.lstsq(basis, flat).solution
        std = (flat - basis @ solution).std(dim=0).reshape(self.std.shape)
        # Elements over land or ever open water hardly vary: do not blow up what they carry.
        floor = 0.2 * std.square().mean(dim=(1, 2), keepdim=True).sqrt()
        self.harmonics.copy_(solution.reshape(self.harmonics.shape))
        self.std.copy_(torch.maximum(std, floor))
        self.varies.copy_(std > 1e-6)

    def mean(self, day_of_year: Tensor) -> Tensor:
        """(batch,) -> (batch, channel, y, x)."""
        return torch.einsum("bk,kcyx->bcyx", season(day_of_year).to(self.harmonics), self.harmonics)

    def forward(self, latents: Tensor, day_of_year: Tensor) -> Tensor:
        return (latents - self.mean(day_of_year)) / self.std

    def inverse(self, anomalies: Tensor, day_of_year: Tensor) -> Tensor:
        return anomalies * self.std + self.mean(day_of_year)
