"""One ensemble member as it is asked for, and its own noise."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np
import torch

from ..errors import InvalidValueError
from .noise import gaussian
from .schedule import (
    CHURN,
    LIMITS,
    RHO,
    SAMPLER_NAMES,
    SIGMA_MAX,
    SIGMA_MIN,
    evaluations,
    karras_sigmas,
)
from .space import Shape

if TYPE_CHECKING:
    from ..modes.perturb import Perturbation

_LEAST = {"member": 1, "seed": 0, "n_steps": 1, "refine_steps": 1}
_LARGEST = 2**31 - 1  # a Fortran default integer
DRAWS_OF_A_STAGE = 2**32  # the draws of one latent are none of another's
REFINE_SIGMA_MAX = 10.0


@dataclass(frozen=True)
class Request:
    """One ensemble member, `member` from 1, `seed` >= 0, and how its noise becomes a state.

    `n_steps` levels from `sigma_max` to `sigma_min`, spaced by `rho`; `churn` is for the
    stochastic sampler. With a perturbation it is a member around an analysis, else one of the date
    alone. InvalidValueError names what is out of range.
    """

    member: int
    date: datetime.date
    seed: int = 1
    n_steps: int = 20
    sampler: str = "dpm"
    sigma_min: float = SIGMA_MIN
    sigma_max: float = SIGMA_MAX
    rho: float = RHO
    churn: float = CHURN
    refine_steps: int = 5
    perturbation: Perturbation | None = None

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or not least <= value <= _LARGEST:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a whole number from {least} to {_LARGEST}"
                )
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or not low <= value <= high:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a number from {low:g} to {high:g}"
                )
        if self.sampler not in SAMPLER_NAMES:
            raise InvalidValueError(
                f"sampler is {self.sampler!r}: choose from {', '.join(SAMPLER_NAMES)}"
            )

    @property
    def nfe(self) -> tuple[int, int]:
        """Evaluations of the network for the first latent, and for the second if there is one."""
        return (
            evaluations(self.sampler, self.n_steps), evaluations(self.sampler, self.refine_steps)
        )  # fmt: skip

    def noise(self, shape: Shape, stage: int = 0, draw: int = 0) -> torch.Tensor:
        """Its own unit noise (1, channel, y, x) float64 for the latent of a stage: what it starts
        from, then fresh draws."""
        number = stage * DRAWS_OF_A_STAGE + draw
        drawn = gaussian(shape, seed=self.seed, member=self.member, date=self.date, draw=number)
        return torch.from_numpy(drawn)[None]

    def sigmas(self, stage: int = 0) -> np.ndarray:
        """Noise levels for the latent of a stage: what is coarse settles most of what is fine, so
        that fewer and lower ones do for the latter."""
        if stage == 0:
            return karras_sigmas(self.n_steps, self.sigma_min, self.sigma_max, self.rho)
        highest = min(self.sigma_max, REFINE_SIGMA_MAX)
        return karras_sigmas(self.refine_steps, self.sigma_min, highest, self.rho)
