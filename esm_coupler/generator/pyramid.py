"""The spline pyramid: a latent space without a smoothing encoder.

Sea-ice fields have spectra that fall by five decades from the basin to the grid. An autoencoder's
squared error does not see the small end, and what it loses there nobody can diffuse. A pyramid of
cubic B-splines (Unser et al. 1993, doi:10.1109/34.210466) loses nothing: coefficients for 8 x 8
cells, what these miss for 4 x 4 cells, what both miss for 2 x 2, and the rest. Each coefficient is
diffused relative to its own spread, so that each scale counts alike; and splines are so smooth
that even unstructured noise in a level makes a spectrum that falls as the simulation's does. Drift
is diffused as its rotational part (in the place of siu) and its divergent part (of siv).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import DomainError
from ..fields import DRIFT
from .helmholtz import joined, parted
from .space import Shape
from .uncensored import censored, uncensored

Change = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
LEVELS = (8, 4, 2)  # cells for one coefficient, along x and along y


class Pyramid(nn.Module):
    """Fields (batch, field, y, x) in physical units <-> (coarse, detail).

    coarse: (batch, 5 field, y/8, x/8), for each field the coefficients for 8 x 8 cells and then,
    for all, the four for 4 x 4 cells among them; detail: (batch, 5 field, y/2, x/2), the same for
    2 x 2 cells and for single ones. There and back is the identity on states that a model accepts.
    """

    def __init__(self, names: tuple[str, ...], mask: Tensor) -> None:
        super().__init__()
        if any(size % LEVELS[0] for size in mask.shape):
            raise DomainError(
                f"the grid has {mask.shape[0]} x {mask.shape[1]} cells: space = 'pyramid' needs "
                f"sides that are multiples of {LEVELS[0]}; pad the grid with land, or diffuse "
                "'fields'"
            )
        self.names = names
        self.register_buffer("mask", mask.bool(), persistent=False)
        for axis, size in zip("yx", mask.shape, strict=True):
            for level in LEVELS:
                up = spline_matrix(size, level)
                for name, matrix in (("from", up), ("to", np.linalg.pinv(up))):
                    buffer = torch.from_numpy(matrix)
                    self.register_buffer(f"{name}_{level}_{axis}", buffer, persistent=False)
        self.register_buffer("mean", torch.zeros(len(names), 1, 1))
        self.register_buffer("std", torch.ones(len(names), 1, 1))

    @property
    def shapes(self) -> tuple[Shape, ...]:
        ny, nx = self.mask.shape
        return tuple((5 * len(self.names), ny // level, nx // level) for level in (8, 2))

    @property
    def context_channels(self) -> tuple[int, ...]:
        return 0, len(self.names) + 4

    @torch.no_grad()
    def fit(self, coarse: Tensor) -> None:
        """Scale of the context: mean and standard deviation of the coarse coefficients."""
        coarsest = coarse[:, : len(self.names)]
        self.mean.copy_(coarsest.mean(dim=(0, 2, 3))[:, None, None])
        self.std.copy_(coarsest.std(dim=(0, 2, 3))[:, None, None])

    def latents(self, fields: Tensor) -> tuple[Tensor, ...]:
        """On the CPU: distances to the ice edge are no work for a GPU."""
        star = uncensored(fields.cpu().numpy(), self.names, self.mask.cpu().numpy())
        rest = self._drift_by(parted, torch.from_numpy(star).to(self.mask.device).double())
        coefficients = []
        for level in LEVELS:
            coefficients.append(self._along("to", level, rest))
            rest = rest - self._along("from", level, coefficients[-1])
        coarse, quarter, half = coefficients
        return (
            torch.cat([coarse, F.pixel_unshuffle(quarter, 2)], dim=1).float(),
            torch.cat([half, F.pixel_unshuffle(rest, 2)], dim=1).float(),
        )

    def context(self, latents: tuple[Tensor, ...]) -> Tensor | None:
        """The coarse fields as coefficients for 2 x 2 cells, and the ocean mask of each cell."""
        if not latents:
            return None
        fields = self._along("to", 2, self._coarse(latents[0]))
        scaled = ((fields - self.mean) / self.std).float()
        mask = F.pixel_unshuffle(self.mask[None, None].float(), 2)
        return torch.cat([scaled, mask.expand(len(scaled), -1, -1, -1)], dim=1)

    def fields(self, latents: tuple[Tensor, ...]) -> Tensor:
        """float64, within all bounds, zero on land."""
        half, rest = self._parted(latents[1])
        x = self._coarse(latents[0]) + self._along("from", 2, half) + rest
        return torch.where(self.mask, censored(self._drift_by(joined, x), self.names), 0.0)

    def _drift_by(self, change: Change, x: Tensor) -> Tensor:
        """The two fields of drift, if there are, in another form."""
        if not set(DRIFT) <= set(self.names):
            return x
        fields = dict(zip(self.names, x.unbind(dim=1), strict=True))
        fields |= zip(DRIFT, change(*(fields[name] for name in DRIFT)), strict=True)
        return torch.stack([fields[name] for name in self.names], dim=1)

    def _coarse(self, latent: Tensor) -> Tensor:
        """What the first latent says at each cell."""
        coarse, quarter = self._parted(latent)
        return self._along("from", 8, coarse) + self._along("from", 4, quarter)

    def _parted(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """The coarser and the finer level of a latent, float64."""
        coarser, finer = latent.double().tensor_split([len(self.names)], dim=1)
        return coarser, F.pixel_shuffle(finer, 2)

    def _along(self, name: str, level: int, x: Tensor) -> Tensor:
        """A matrix along y and along x."""
        along_y, along_x = (getattr(self, f"{name}_{level}_{axis}") for axis in "yx")
        return along_y @ x @ along_x.T


def spline_matrix(size: int, spacing: int) -> np.ndarray:
    """(size, size / spacing): what cubic B-splines, one every `spacing` cells and mirrored at both
    ends, give at the cells."""
    knots = size // spacing
    cell = (np.arange(size) + 0.5) / spacing - 0.5
    matrix = np.zeros((size, knots))
    for knot in range(-2, knots + 2):
        inside = max(knot, -1 - knot)
        matrix[:, min(inside, 2 * knots - 1 - inside)] += _cubic(cell - knot)
    return matrix


def _cubic(distance: np.ndarray) -> np.ndarray:
    """The cubic B-spline around 0."""
    d = np.abs(distance)
    return np.where(d < 1, 2 / 3 - d**2 + d**3 / 2, np.maximum(2 - d, 0) ** 3 / 6)
