"""From physical fields to network inputs and back; from latents to unit variance and back."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..errors import ConfigError
from ..fields import FIELDS
from .space import Shape

# Volumes are seen as square roots: thin ice matters as much as thick ice does.
SQUARE_ROOT = ("sit", "snt")
HARMONICS = 3  # that a denoiser is told of
DAYS_PER_YEAR = 365.25
NODE_HALF_WINDOW = 20.0  # days around a node whose spread it has


def season(day_of_year: Tensor, harmonics: int = HARMONICS) -> Tensor:
    """(batch,) days, 1 = 1 January -> (batch, 1 + 2 harmonics): 1 and the yearly harmonics."""
    phase = 2 * math.pi * (day_of_year[:, None] - 1) / DAYS_PER_YEAR
    order = torch.arange(1, harmonics + 1, device=day_of_year.device)
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
    spends its capacity on what differs from year to year. The spread is that around each of
    `nodes` days of the year, linear between them: ice edges vary where they are in that season.
    """

    def __init__(self, shape: Shape, nodes: int = 1, harmonics: int = HARMONICS) -> None:
        super().__init__()
        self.register_buffer("harmonics", torch.zeros(1 + 2 * harmonics, *shape))
        self.register_buffer("spread", torch.ones(nodes, *shape))

    @property
    def varies(self) -> Tensor:
        """(channel, y, x) bool: elements that are not the same in all samples."""
        return (self.spread > 0).any(dim=0)

    @torch.no_grad()
    def fit(self, latents: Tensor, day_of_year: Tensor, least_spread: float) -> None:
        """Least squares over (sample, channel, y, x). No spread is less than `least_spread` times
        the root-mean-square anomaly of its channel: elements over land or ever open water hardly
        vary, and what they carry must not be blown up."""
        days = day_of_year.double()
        seasons = self._season(days)
        fit = torch.linalg.pinv(seasons)
        for channel in range(latents.shape[1]):  # years of latents are large
            values = latents[:, channel].flatten(1).double()
            harmonics = fit @ values
            squares = (values - seasons @ harmonics).square()
            spread = self._around_nodes(squares, days).sqrt()
            varies = squares.mean(dim=0) > 1e-12 * squares.mean()
            least = least_spread * squares.mean().sqrt()
            spread = torch.where(varies, spread.clamp(min=float(least)), 0.0)
            self.harmonics[:, channel] = harmonics.reshape(self.harmonics[:, channel].shape)
            self.spread[:, channel] = spread.reshape(self.spread[:, channel].shape)

    def _around_nodes(self, squares: Tensor, days: Tensor) -> Tensor:
        """(node, element) mean of squares (sample, element) near each node."""
        nodes = len(self.spread)
        if nodes == 1:
            return squares.mean(dim=0, keepdim=True)
        middles = (torch.arange(nodes, dtype=days.dtype) + 0.5) * DAYS_PER_YEAR / nodes
        apart = (days[None] - middles[:, None]).abs()
        near = torch.minimum(apart, DAYS_PER_YEAR - apart) <= NODE_HALF_WINDOW
        if not near.any(dim=1).all():
            raise ConfigError(
                f"spread_nodes = {nodes} in the training namelist: no training day lies within "
                f"{NODE_HALF_WINDOW} days of some of these days of the year: give fewer"
            )
        return torch.stack([squares[chosen].mean(dim=0) for chosen in near])

    def mean(self, day_of_year: Tensor) -> Tensor:
        """(batch,) -> (batch, channel, y, x)."""
        seasons = self._season(day_of_year).to(self.harmonics)
        return torch.einsum("bk,kcyx->bcyx", seasons, self.harmonics)

    def _season(self, day_of_year: Tensor) -> Tensor:
        return season(day_of_year, len(self.harmonics) // 2)

    def std(self, day_of_year: Tensor) -> Tensor:
        """(batch,) -> (batch, channel, y, x); 1 where nothing varies."""
        nodes = len(self.spread)
        place = (day_of_year - 0.5) / DAYS_PER_YEAR * nodes - 0.5
        before = place.floor()
        share = (place - before).to(self.spread)[:, None, None, None]
        index = before.long()
        std = torch.lerp(self.spread[index % nodes], self.spread[(index + 1) % nodes], share)
        return torch.where(self.varies, std, 1.0)

    def forward(self, latents: Tensor, day_of_year: Tensor) -> Tensor:
        return (latents - self.mean(day_of_year)) / self.std(day_of_year)

    def inverse(self, anomalies: Tensor, day_of_year: Tensor) -> Tensor:
        """Elements that never varied have their mean."""
        anomalies = torch.where(self.varies, anomalies, 0.0)
        return anomalies * self.std(day_of_year) + self.mean(day_of_year)
