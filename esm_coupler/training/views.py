"""What a score by the fair CRPS looks at: cells, their surroundings, and larger scales.

All take fields (..., field, y, x) and the weight of each cell (field, y, x), 0 or 1, and give what
is seen of the fields with the weight of its places.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Seen = tuple[Tensor, Tensor]

BLOCKS = (4, 16)  # cells along a side
BENT = (1, 2, 4)  # cells along a side of the blocks whose Laplacian is taken
PATCH = 16  # cells along a side of the patches that have a roughness
LEAST_POWER = 1e-12  # for the gradient of the root


def places(fields: Tensor, mask: Tensor) -> list[Seen]:
    """Cell by cell, as differences of neighbours, as what differs between those, and as means of
    blocks."""
    return [
        (fields, mask),
        *(_differences(fields, mask, axis) for axis in (-1, -2)),
        *(_bends(fields, mask, block) for block in BENT),
        *(_block_means(fields, mask, block) for block in BLOCKS),
    ]


def roughnesses(fields: Tensor, mask: Tensor) -> list[Seen]:
    """Root mean squares, over patches, of how fields bend at each scale, with the ocean's share of
    a patch: members are to be rough where and when the truth is, of which the CRPS of places tells
    them little."""
    return [_roughness(fields, mask, block) for block in BENT]


def _differences(fields: Tensor, mask: Tensor, axis: int) -> Seen:
    both = mask * mask.roll(-1, axis)
    return (fields.roll(-1, axis) - fields) * both, both


def _bends(fields: Tensor, mask: Tensor, block: int) -> Seen:
    """Laplacian of the means of blocks of ocean, where all four neighbours are such. It weighs
    power by the fourth power of the wavenumber, and the drift's falls about as fast: so the waves
    that such blocks have are seen, not longer ones."""
    means, weight = _block_means(fields, mask, block)
    ocean = (weight == 1).to(weight)
    inner, bend = ocean, -4 * means
    for axis, way in ((-1, 1), (-1, -1), (-2, 1), (-2, -1)):
        inner, bend = inner * ocean.roll(way, axis), bend + means.roll(way, axis)
    return bend * inner, inner


def _roughness(fields: Tensor, mask: Tensor, block: int) -> Seen:
    bend, inner = _bends(fields, mask, block)
    power, share = _pooled(bend.square(), inner, PATCH // block)
    return (power / share.clamp(min=1e-6) + LEAST_POWER).sqrt(), share


def _block_means(fields: Tensor, mask: Tensor, block: int) -> Seen:
    return (fields, mask) if block == 1 else _pooled(fields, mask, block)


def _pooled(fields: Tensor, weight: Tensor, block: int) -> Seen:
    """Means of blocks, the last ones smaller where the grid ends."""
    means, share = (
        F.avg_pool2d(x, block, ceil_mode=True) for x in (fields.flatten(0, -4), weight[None])
    )
    return means.unflatten(0, fields.shape[:-3]), share[0]
