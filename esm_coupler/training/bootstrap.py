"""New training samples between old ones: the smoothed bootstrap (Silverman & Young 1987,
doi:10.1093/biomet/74.3.469).

Six years of a simulation are six thicknesses of the ice, and a network with millions of weights
learns them by heart. A share of another year's anomaly of that time of the year, with the own one
shrunk by as much, leaves mean and covariance as they are and makes the years meet.
"""

from __future__ import annotations

import torch
from torch import Tensor

NEAR = 3  # days of the year between a sample and its relative
APART = 180  # samples between them, so that it is of another year


class Bootstrap:
    """Samples are days, year after year, as anomalies from a seasonal cycle."""

    def __init__(self, day_of_year: Tensor, width: float) -> None:
        """day_of_year (sample,); width: the largest share of a relative, below 1."""
        self.order = torch.argsort(day_of_year, stable=True)
        self.rank = torch.argsort(self.order)
        self.reach = NEAR * max(1, round(len(day_of_year) / 365))
        self.width = width

    def __call__(self, anomalies: Tensor, indices: Tensor) -> Tensor:
        """(batch, channel, y, x) of the samples (batch,), from all anomalies (sample, ...)."""
        own = anomalies[indices]
        if not self.width:
            return own
        shift = torch.randint(-self.reach, self.reach + 1, indices.shape)
        relatives = self.order[(self.rank[indices] + shift) % len(self.order)]
        share = self.width * torch.rand(len(indices))
        share = torch.where((relatives - indices).abs() > APART, share, 0.0)[:, None, None, None]
        return (1 - share**2).sqrt() * own + share * anomalies[relatives]
