"""What the networks see of a state, and the bounds that the likelihood knows.

`fields`  the fields as they are, volumes as square roots (Finn et al. 2024, but for the roots).
`ice`     area, thickness of the ice itself, and snow as a share of what its freeboard carries.
          Each is bounded by numbers, and any values within make a state that a model accepts: area
          without volume, volume without area or drowned snow can't be said in these variables.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ..fields import DRIFT, FIELDS
from .projection import MAX_ICE_THICKNESS, MAX_SNOW_DEPTH, MAX_SNOW_PER_ICE, MIN_VOLUME

# A simulation leaves a tail of tiny concentrations in open water and seldom reaches 1 exactly;
# the censored likelihood needs data that lie on the bounds.
OPEN_WATER, FULL_COVER = 1e-3, 0.995
MIN_THICKNESS = 0.05  # m of ice: OPEN_WATER of it is five times what a model takes for no ice
LEAST_WEIGHT = 0.02  # of thin cover, relative to full cover, for what is known per area of ice
_INSIDE = 1 - 2e-6  # so that a limit holds in float32 too


class FieldVariables(nn.Module):
    """Fields (batch, field, y, x) in physical units <-> variables of the same shape."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self.names = tuple(names)
        roots = torch.tensor([name in ("sit", "snt") for name in names]).reshape(-1, 1, 1)
        self.register_buffer("roots", roots, persistent=False)
        for side in ("lower", "upper"):
            bound = torch.tensor([self.bound(name, side) for name in names]).reshape(-1, 1, 1)
            self.register_buffer(side, bound, persistent=False)

    def bound(self, name: str, side: str) -> float:
        """A bound of a variable; those of the fields are 0, 1 or infinite: a root keeps them."""
        return float(getattr(FIELDS[name], side))

    def forward(self, fields: Tensor) -> Tensor:
        return torch.where(self.roots, fields.clamp(min=0).sqrt(), fields)

    def fields(self, variables: Tensor) -> Tensor:
        """Variables within their bounds -> fields."""
        return torch.where(self.roots, variables.square(), variables)

    def weight(self, fields: Tensor) -> Tensor:
        """How much each value counts in the likelihood, (batch, field, y, x) >= 0."""
        return torch.ones_like(fields)


class IceVariables(FieldVariables):
    """sit -> root of sit / sic [m], snt -> snt / sit over the largest such ratio, else the fields.

    What is known of ice only counts where there is ice, thickness and snow in proportion to its
    area; drift counts where it is not at rest.
    """

    def __init__(self, names: Sequence[str]) -> None:
        if tuple(names[:3]) != ("sic", "sit", "snt"):
            raise ValueError(f"ice variables need sic, sit and snt first, not {tuple(names)}")
        super().__init__(names)

    def bound(self, name: str, side: str) -> float:
        if name == "sit":
            return math.sqrt(MIN_THICKNESS if side == "lower" else MAX_ICE_THICKNESS * _INSIDE)
        return {"lower": 0.0, "upper": 1.0}[side] if name == "snt" else super().bound(name, side)

    def forward(self, fields: Tensor) -> Tensor:
        sic, sit, snt = fields[:, 0], fields[:, 1], fields[:, 2]
        ice = (sic > 0) & (sit > 0)
        thickness = torch.where(ice, sit / sic.clamp(min=OPEN_WATER), MIN_THICKNESS)
        share = torch.where(ice, snt / (most_snow(thickness) * sit.clamp(min=MIN_VOLUME)), 0.0)
        variables = torch.cat(
            [torch.stack([sic, thickness.sqrt(), share], dim=1), fields[:, 3:]], dim=1
        )
        return variables.clamp(self.lower, self.upper)

    def fields(self, variables: Tensor) -> Tensor:
        sic = variables[:, 0] * (variables[:, 0] >= OPEN_WATER)
        thickness = variables[:, 1].square()
        sit = sic * thickness
        snt = sit * most_snow(thickness) * variables[:, 2]
        return torch.cat([torch.stack([sic, sit, snt], dim=1), variables[:, 3:]], dim=1)

    def weight(self, fields: Tensor) -> Tensor:
        sic = fields[:, :1]
        of_ice = torch.where(sic > 0, sic.clamp(min=LEAST_WEIGHT), 0.0)
        moving = (fields[:, 3:] != 0).any(dim=1, keepdim=True).to(fields)
        rest = [moving if name in DRIFT else of_ice for name in self.names[3:]]
        return torch.cat([torch.ones_like(sic), of_ice, of_ice, *rest], dim=1)


def most_snow(thickness: Tensor) -> Tensor:
    """The most that snow on ice of this thickness [m] may have, as a share of the ice: what the
    freeboard carries, or the greatest depth where that is less."""
    return (MAX_SNOW_DEPTH / thickness).clamp(max=MAX_SNOW_PER_ICE) * _INSIDE


VARIABLES = {"fields": FieldVariables, "ice": IceVariables}
