"""The deterministic sampler."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor


def heun(
    denoise: Callable[[Tensor, float], Tensor], noise: Tensor, sigmas: Sequence[float]
) -> Tensor:
    """Carry unit `noise` down the levels `sigmas` (last one 0) with Heun's second-order steps.

    `denoise(x, sigma)` gives the expected clean x. Takes 2 len(sigmas) - 3 evaluations.
    Karras et al. 2022, algorithm 1 without churn.
    """
    x = noise * sigmas[0]
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        slope = (x - denoise(x, sigma)) / sigma
        step = following - sigma
        euler = x + step * slope
        if following == 0:
            return euler
        slope_there = (euler - denoise(euler, following)) / following
        x = x + step * 0.5 * (slope + slope_there)
    return x
