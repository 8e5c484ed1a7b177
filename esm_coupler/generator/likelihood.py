"""The censored Gaussian: physical bounds as part of the likelihood (Finn et al. 2024, sec. 3)."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def censored_nll(x: Tensor, mean: Tensor, log_std: Tensor, lower: Tensor, upper: Tensor) -> Tensor:
    """Negative log likelihood of x = clip(x*, lower, upper), x* ~ N(mean, exp(log_std)^2).

    All arguments broadcast to the shape of `x`; a bound may be infinite. On a bound the whole
    tail beyond it counts, inside the density does. Data must lie exactly on a bound to count as
    censored: snap them first.
    """
    std = log_std.exp()
    inside = 0.5 * ((x - mean) / std) ** 2 + log_std + 0.5 * math.log(2 * math.pi)
    below, above = x <= lower, x >= upper
    # Choose before dividing: an infinite bound in the untaken branch makes the gradient NaN.
    at_lower = torch.where(below, lower - mean, 0.0) / std
    at_upper = torch.where(above, mean - upper, 0.0) / std
    nll = torch.where(below, -torch.special.log_ndtr(at_lower), inside)
    return torch.where(above, -torch.special.log_ndtr(at_upper), nll)
