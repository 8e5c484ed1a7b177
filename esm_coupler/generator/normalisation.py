"""From physical fields to network inputs and back; from latents to unit variance and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..fields import FIELDS

# Volumes are seen as square roots: thin ice matters as much as thick ice does.
SQUARE_ROOT = ("sit", "snt")
HARMONICS = 3
DAYS_PER_YEAR = 365.25


def season(day_of_year: Tensor) -> Tensor:
    """(batch,) days, 1 = 1 January -> (batch, 1 + 2 HARMONICS): 1 and the yearly harmonics."""
    phase = 2 * math.pi * (day_of_year[:, None] - 1) / DAYS_PER_YEAR
    order = torch.arange(1, HARMONICS + 1, device=day_of_year.device)
    return torch.cat([torch.ones_like(phase), (order * phase).cos(), (order * phase).sin()], dim=1)


class FieldNormalisation(nn.Module):
    """Fields (batch, field, y, x) in physical units <-> zero mean and unit variance."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        size = (len(names), 1, 1)
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("std", torch.ones(size))
        roots = torch.tensor([name in SQUARE_ROOT for name in names]).reshape(size)
        self.register_buffer("roots", roots, persistent=False)
        for side in ("lower", "upper"):
            bound = torch.tensor([getattr(FIELDS[n], side) for n in names]).reshape(size)
            self.register_buffer(side, bound, persistent=False)

    @torch.no_grad()
    def fit(self, fields: Tensor, mask: Tensor) -> None:
        """Mean and standard deviation over (sample, field, y, x) where mask (y, x) is ocean."""
        for index in range(fields.shape[1]):
            values = fields[:, index, mask].double()
            values = values.sqrt() if self.roots[index] else values
            self.mean[index] = values.mean()
            self.std[index] = values.std()

    def forward(self, fields: Tensor) -> Tensor:
        values = torch.where(self.roots, fields.clamp(min=0).sqrt(), fields)
        return (values - self.mean) / self.std

    def inverse(self, values: Tensor) -> Tensor:
        values = values * self.std + self.mean
        return torch.where(self.roots, values.clamp(min=0).square(), values)

    def censored(self, values: Tensor) -> Tensor:
        """Normalised fields -> physical ones, exactly on a bound where they reach it."""
        (lower, upper), (low, high) = self.bounds(), self.physical_bounds()
        fields = self.inverse(values).clamp(low, high)
        # Normalising and back is only nearly the identity.
        return torch.where(values <= lower, low, torch.where(values >= upper, high, fields))

    def bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of each field in normalised units, (field, 1, 1) each.

        All bounds are 0, 1 or infinite, which the square root leaves as they are.
        """
        lower, upper = self.physical_bounds()
        return (lower - self.mean) / self.std, (upper - self.mean) / self.std

    def physical_bounds(self) -> tuple[Tensor, Tensor]:
        """Lower and upper bound of each field in its units, (field, 1, 1) each."""
        return self.lower, self.upper


class LatentNormalisation(nn.Module):
    """Latents (batch, channel, y, x) <-> anomalies from the seasonal cycle with unit variance.

    The seasonal mean is a regression on yearly harmonics at each element, so that the denoiser
    spends its capacity on what differs from year to year.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("harmonics", torch.zeros(1 + 2 * HARMONICS, *shape))
        self.register_buffer("std", torch.ones(shape))

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

    def mean(self, day_of_year: Tensor) -> Tensor:
        """(batch,) -> (batch, channel, y, x)."""
        return torch.einsum("bk,kcyx->bcyx", season(day_of_year).to(self.harmonics), self.harmonics)

    def forward(self, latents: Tensor, day_of_year: Tensor) -> Tensor:
        return (latents - self.mean(day_of_year)) / self.std

    def inverse(self, anomalies: Tensor, day_of_year: Tensor) -> Tensor:
        return anomalies * self.std + self.mean(day_of_year)
