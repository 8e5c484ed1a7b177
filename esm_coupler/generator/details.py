"""Detail of fields at several scales, each measured by how much of it the simulation has.

The spectra of sea ice fall by five decades from the basin to the grid: a squared error hardly sees
the small scales, which is why autoencoders smooth them. Here each scale counts alike. The scales
are those of the a-trous algorithm (Starck et al. 1998): differences of ever wider binomial means.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

N_SCALES = 4


class Details(nn.Module):
    """Band-passed fields (batch, field, y, x), 2 to 16 cells, where no land is near."""

    def __init__(self, n_fields: int, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("variance", torch.ones(N_SCALES, n_fields, 1, 1), persistent=False)
        near = [_without_land(mask, width) for width in (2, 1, 3, 7)]
        self.register_buffer("valid", torch.stack(near), persistent=False)

    @torch.no_grad()
    def fit(self, fields: Tensor) -> None:
        """Mean square of each scale of each field over the samples."""
        for scale, detail in enumerate(self(fields)):
            self.variance[scale] = detail.square().mean(dim=(0, 2, 3))[:, None, None]

    def forward(self, fields: Tensor) -> list[Tensor]:
        fine = smooth(fields, 1)
        coarse = smooth(fine, 2)
        first = fields - fine
        scales = first - smooth(first, 1), first, fine - coarse, coarse - smooth(coarse, 4)
        return [scale * valid for scale, valid in zip(scales, self.valid, strict=True)]

    def error(self, made: Tensor, true: Tensor) -> Tensor:
        """(scale,) mean square of the error of each scale over that of the simulation's detail."""
        difference = self(made - true)
        return torch.stack(
            [(d.square() / v).mean() for d, v in zip(difference, self.variance, strict=True)]
        )


def smooth(fields: Tensor, width: int) -> Tensor:
    """Binomial mean over cells `width` apart, along x and along y."""
    ny, nx = fields.shape[-2:]
    wide = F.pad(fields, (width, width, 0, 0), mode="replicate")
    fields = 0.5 * fields + 0.25 * (wide[..., :nx] + wide[..., 2 * width :])
    wide = F.pad(fields, (0, 0, width, width), mode="replicate")
    return 0.5 * fields + 0.25 * (wide[..., :ny, :] + wide[..., 2 * width :, :])


def _without_land(mask: Tensor, width: int) -> Tensor:
    """(y, x) 1 where all cells not farther than `width` are ocean, else 0."""
    land = F.pad(1 - mask.float()[None, None], [width] * 4, value=1.0)
    return 1 - F.max_pool2d(land, 2 * width + 1, 1)[0, 0]
