"""Noise levels of the sampler."""

from __future__ import annotations

import numpy as np

SIGMA_MIN, SIGMA_MAX, RHO = 0.01, 80.0, 7.0


def karras_sigmas(
    n_steps: int, sigma_min: float = SIGMA_MIN, sigma_max: float = SIGMA_MAX, rho: float = RHO
) -> np.ndarray:
    """(n_steps + 1,) float64 noise levels from sigma_max to sigma_min, then 0.

    Karras et al. 2022, eq. 5.
    """
    ramp = np.arange(n_steps) / max(n_steps - 1, 1)
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return np.append((high + ramp * (low - high)) ** rho, 0.0)
