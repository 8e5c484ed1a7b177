"""Noise levels and cost of the samplers, free of torch, so that namelists can be checked without
it."""

from __future__ import annotations

import typing
from typing import Literal

import numpy as np

SamplerName = Literal["heun", "dpm", "stochastic"]
SAMPLER_NAMES: tuple[str, ...] = typing.get_args(SamplerName)

SIGMA_MIN, SIGMA_MAX, RHO = 0.01, 80.0, 7.0
# S_churn of Karras et al. 2022, table 5 (ImageNet-64)
CHURN = 40.0

# What a request may ask for, both ends included. Latents have unit variance.
LIMITS: dict[str, tuple[float, float]] = {
    "sigma_min": (1e-5, 0.5),
    "sigma_max": (1.0, 1e5),
    "rho": (1.0, 100.0),
    "churn": (0.0, 1e4),
}


def karras_sigmas(
    n_steps: int, sigma_min: float = SIGMA_MIN, sigma_max: float = SIGMA_MAX, rho: float = RHO
) -> np.ndarray:
    """(n_steps + 1,) float64 noise levels from sigma_max to sigma_min, then 0.

    Karras et al. 2022, eq. 5.
    """
    ramp = np.arange(n_steps) / max(n_steps - 1, 1)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)


def evaluations(sampler: str, n_steps: int) -> int:
    """Network evaluations (NFE) of a member."""
    return n_steps if sampler == "dpm" else 2 * n_steps - 1
