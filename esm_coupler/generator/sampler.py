"""The samplers: unit noise in, data out, down a ladder of noise levels.

All have one signature and are pure functions of their arguments; their names in a namelist are
the keys of SAMPLERS.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

import torch
from torch import Tensor, nn

# `denoise(x, sigma)`: the expected clean x, given x = clean + noise of standard deviation sigma
Denoise = Callable[[Tensor, float], Tensor]
# `fresh(draw)`: unit noise of the shape of x, draw = 1, 2, ...; the same draw, the same noise
Fresh = Callable[[int], Tensor]

# Levels between which `stochastic` adds noise: S_tmin and S_tmax of Karras et al. 2022, table 5.
# Their S_noise is 1 here: more would widen the spread of an exact denoiser.
CHURNED_FROM, CHURNED_TO = 0.05, 50.0


class Sampler(Protocol):
    """Carries `noise`, unit normal, down `sigmas`, falling, the last one 0.

    `churn` is how much of the noise is renewed on the way, from `fresh` (None: nothing is); the
    deterministic samplers have no use for either. Sums have the precision of `noise`.
    """

    def __call__(
        self, denoise: Denoise, noise: Tensor, sigmas: Sequence[float],
        fresh: Fresh | None = None, churn: float = 0.0,
    ) -> Tensor: ...  # fmt: skip


def heun(
    denoise: Denoise, noise: Tensor, sigmas: Sequence[float],
    fresh: Fresh | None = None, churn: float = 0.0,
) -> Tensor:  # fmt: skip
    """Deterministic steps of second order in sigma; 2 n - 1 evaluations for n steps.

    Karras et al. 2022, algorithm 1.
    """
    x = noise * sigmas[0]
    for sigma, following in pairwise(sigmas):
        x = _heun_step(denoise, x, sigma, following)
    return x


def dpm(
    denoise: Denoise, noise: Tensor, sigmas: Sequence[float],
    fresh: Fresh | None = None, churn: float = 0.0,
) -> Tensor:  # fmt: skip
    """DPM-Solver++(2M): second order in log sigma from one evaluation a step, n in all.

    Lu et al. 2022 (arXiv 2211.01095), algorithm 2, with alpha = 1.
    """
    x = noise * sigmas[0]
    before: tuple[Tensor, float] | None = None  # denoised x and length of the step before
    for sigma, following in pairwise(sigmas):
        clean = denoise(x, sigma)
        if following == 0:
            return clean  # the step is infinitely long: of first order
        length = math.log(sigma / following)
        ahead = clean
        if before is not None:
            slope = 0.5 * length / before[1]
            ahead = (1 + slope) * clean - slope * before[0]
        x = torch.lerp(ahead, x, following / sigma)
        before = clean, length
    return x


def stochastic(
    denoise: Denoise, noise: Tensor, sigmas: Sequence[float],
    fresh: Fresh | None = None, churn: float = 0.0,
) -> Tensor:  # fmt: skip
    """Heun steps, each from a level that fresh noise has raised; 2 n - 1 evaluations.

    Karras et al. 2022, algorithm 2; `churn` is its S_churn.
    """
    x = noise * sigmas[0]
    share = min(churn / (len(sigmas) - 1), math.sqrt(2) - 1)
    for step, (sigma, following) in enumerate(pairwise(sigmas), start=1):
        raised = sigma
        if fresh is not None and share > 0 and CHURNED_FROM <= sigma <= CHURNED_TO:
            raised = sigma * (1 + share)
            x = x + math.sqrt(raised**2 - sigma**2) * fresh(step)
        x = _heun_step(denoise, x, raised, following)
    return x


def _heun_step(denoise: Denoise, x: Tensor, sigma: float, following: float) -> Tensor:
    """From level `sigma` to `following`; the last one, to 0, is Euler's."""
    slope = (x - denoise(x, sigma)) / sigma
    step = following - sigma
    euler = x + step * slope
    if following == 0:
        return euler
    slope_there = (euler - denoise(euler, following)) / following
    return x + step * 0.5 * (slope + slope_there)


SAMPLERS: dict[str, Sampler] = {"heun": heun, "dpm": dpm, "stochastic": stochastic}


def denoise_on(
    denoiser: nn.Module, day_of_year: Tensor, context: Tensor | None = None,
    before_evaluation: Callable[[], None] = lambda: None,
) -> Denoise:  # fmt: skip
    """The network as samplers want it, for days (batch,) and what is known of the coarser latents:
    they sum in the precision of the noise, the network computes in float32.

    Its input has one layout in memory, whatever the network's output has: a compiled network
    would be compiled again for another.
    """

    def denoise(x: Tensor, sigma: float) -> Tensor:
        before_evaluation()
        level = torch.full(day_of_year.shape, sigma, device=day_of_year.device)
        return denoiser(x.float(), level, day_of_year, context).to(x.dtype).contiguous()

    return denoise
