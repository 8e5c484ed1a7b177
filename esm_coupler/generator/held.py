"""States held within their bounds, with a way back for the training.

A value beyond a bound lies on it: the state of an ensemble has the probability of exactly 0 and 1
that a censored variable has. Where all members of a cell lie on a bound and the truth does not,
clipping would give no gradient; the part of it that points inwards is passed on.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .projection import MAX_ICE_THICKNESS, MAX_SNOW_DEPTH, MAX_SNOW_PER_ICE
from .uncensored import MIN_THICKNESS, OPEN_WATER

_INSIDE = 1 - 2e-6  # what lies on a limit still does in real32
WAY_BACK = 0.1  # share of the inward gradient that is passed on


class _Held(torch.autograd.Function):
    """clamp(z, low, high), and low for what is less than `least` above it."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, low: Tensor, high: Tensor, least: float) -> Tensor:
        below, above = z < low + least, z > high
        ctx.save_for_backward(below, above)
        return torch.where(below, low, torch.minimum(z, high))

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        below, above = ctx.saved_tensors
        inwards = (below & (gradient < 0)) | (above & (gradient > 0))
        share = torch.where(below | above, WAY_BACK * inwards, 1.0)
        return share * gradient, None, None, None


def held(fields: dict[str, Tensor]) -> dict[str, Tensor]:
    """Fields of any shape, each within its bounds: area with volume, snow that its ice floats."""
    zero, one = torch.zeros_like(fields["sic"]), torch.ones_like(fields["sic"])
    sic = _Held.apply(fields["sic"], zero, one, OPEN_WATER / 2)
    area = sic.detach()
    thickest = MAX_ICE_THICKNESS * _INSIDE * area
    sit = _Held.apply(fields["sit"], MIN_THICKNESS * area, thickest, 0.0)
    deepest = torch.minimum(
        MAX_SNOW_DEPTH * _INSIDE * area, MAX_SNOW_PER_ICE * _INSIDE * sit.detach()
    )
    snt = _Held.apply(fields["snt"], zero, deepest, 0.0)
    return fields | {"sic": sic, "sit": sit, "snt": snt}
