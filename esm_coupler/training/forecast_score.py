"""The score by which an emulator learns: members of a forecast against what the simulation did.

The fair CRPS of the members (Lang et al. 2024, arXiv 2412.15832) of each cell, of its differences to
its neighbours, of how fields bend there, and of means of blocks: so members have the spread of their
error at each scale, and are as smooth as the truth. It sees the bulk of the errors more than their
tails, while spread over RMSE, by which forecasts are judged, is of squares; so the spread over all
cells is scored beside it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ..fields import DRIFT
from ..generator.step_network import NAMES, StepNetwork
from .drives import Drives
from .one_step import fair_crps

BLOCKS = (4, 16)  # cells along a side
BENT = (1, 2, 4)  # cells along a side of the blocks whose Laplacian is taken
FAIRNESS = 0.95
QUARTERS = 4  # seasons of which a day's change has its size
LEAST_SIZE = 0.1  # of the mean over all places
SIZED_DAYS = 1000
SPREAD_WEIGHT = 0.1


class Score:
    """Mean fair CRPS of members (member, sample, field, y, x) against the truth (sample, field, y,
    x), over the root of the days that the forecast has gone; and how far the members' spread over
    all cells is from their error.

    Each view is scored in sizes of what a day changes of it, there and in that season: a drift that
    is as smooth as the simulation's, and a pack as closed, count as much as a moving ice edge.
    """

    def __init__(self, network: StepNetwork, known: Drives) -> None:
        ocean, drift = network.mask.float(), network.drift_mask.float()
        self.mask = torch.stack([drift if name in DRIFT else ocean for name in NAMES]).cpu()
        rests, days = _rests(network, known)
        quarters = _quarter(days)
        sizes = [
            torch.stack([_size(_of_quarter(view, quarters, q), weight) for q in range(QUARTERS)])
            for view, weight in views(rests * self.mask, self.mask)
        ]
        device = network.mask.device
        self.mask, self.sizes = self.mask.to(device), [size.to(device) for size in sizes]

    def __call__(self, members: Tensor, truth: Tensor, days: int, day_of_year: Tensor) -> Tensor:
        quarters = _quarter(day_of_year)
        pairs = zip(
            views(members * self.mask, self.mask), views(truth * self.mask, self.mask),
            self.sizes, strict=True,
        )  # fmt: skip
        scores = [
            _mean_crps(member / size[quarters], true / size[quarters], weight)
            for (member, weight), (true, _), size in pairs
        ]
        crps = torch.stack(scores).mean() / math.sqrt(days)
        return crps + SPREAD_WEIGHT * spread_misfit(members, truth, self.mask) / math.sqrt(days)


def spread_misfit(members: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean over fields of (log(v / e) + e / v - 1) / 2, v the members' variance over all cells, with
    the factor for few of them, e the squared error of their mean: 0 where both are the same (Dawid
    and Sebastiani 1999, doi 10.1214/aos/1018031101). It pulls at the spread alone, and most where
    that is large; the error is left to the CRPS. 0 of a single member."""
    if len(members) == 1:
        return members.new_zeros(())
    variance = (1 + 1 / len(members)) * members.var(dim=0)
    error = (members.mean(dim=0) - truth).square().detach()
    v, e = ((x * mask).sum(dim=(0, -1, -2)).clamp(min=1e-12) for x in (variance, error))
    return ((v / e).log() + e / v - 1).mean() / 2


def _quarter(day_of_year: Tensor) -> Tensor:
    return (day_of_year - 1) * QUARTERS // 366


def _of_quarter(view: Tensor, quarters: Tensor, quarter: int) -> Tensor:
    """Days of a season, or all where the data have none of it."""
    there = quarters == quarter
    return view[there] if there.any() else view


@torch.no_grad()
def _rests(network: StepNetwork, known: Drives) -> tuple[Tensor, Tensor]:
    """What a day changes beyond transport (day, field, y, x), and the days of the year."""
    days = known.starts[:: max(1, len(known.starts) // SIZED_DAYS)]
    device = network.mask.device
    before, after = (known.states[some].to(device) for some in (days, days + 1))
    return network.beyond_transport(before, after).cpu(), known.day_of_year[days]


def _size(view: Tensor, weight: Tensor) -> Tensor:
    """(field, y, x): size at each place, and where that is little a share of what it is in the mean
    of all places. It is the squared mean root, not the root mean square: a pack is quiet but for
    days of storm, and the quiet days are to be quiet too."""
    here = view.abs().sqrt().mean(dim=0).square()
    everywhere = _mean(here, weight)[..., None, None]
    return (here + LEAST_SIZE * everywhere).clamp(min=1e-6)


def views(fields: Tensor, mask: Tensor) -> list[tuple[Tensor, Tensor]]:
    """(..., field, y, x) cell by cell, as differences of neighbours, as what differs between those,
    and as means of blocks, each with the weight of its places (field, y, x)."""
    return [
        (fields, mask),
        *(_differences(fields, mask, axis) for axis in (-1, -2)),
        *(_bends(fields, mask, block) for block in BENT),
        *(_block_means(fields, mask, block) for block in BLOCKS),
    ]


def _differences(fields: Tensor, mask: Tensor, axis: int) -> tuple[Tensor, Tensor]:
    both = mask * mask.roll(-1, axis)
    return (fields.roll(-1, axis) - fields) * both, both


def _bends(fields: Tensor, mask: Tensor, block: int) -> tuple[Tensor, Tensor]:
    """Laplacian of the means of blocks of ocean, where all four neighbours are such. It weighs power
    by the fourth power of the wavenumber, and the drift's falls about as fast: so the waves that
    such blocks have are seen, not longer ones."""
    means, weight = _block_means(fields, mask, block)
    ocean = (weight == 1).to(weight)
    inner, bend = ocean, -4 * means
    for axis, way in ((-1, 1), (-1, -1), (-2, 1), (-2, -1)):
        inner, bend = inner * ocean.roll(way, axis), bend + means.roll(way, axis)
    return bend * inner, inner


def _block_means(fields: Tensor, mask: Tensor, block: int) -> tuple[Tensor, Tensor]:
    if block == 1:
        return fields, mask
    means = F.avg_pool2d(fields.flatten(0, -4), block).unflatten(0, fields.shape[:-3])
    return means, F.avg_pool2d(mask[None], block)[0]


def _mean_crps(members: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Weighted over places, the same for each field."""
    if len(members) == 1:
        crps = (members[0] - truth).abs()
    else:
        crps = fair_crps(members, truth, FAIRNESS)
    return _mean(crps, weight).mean()


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Over places; 0 where there are none, as of large blocks in a small basin."""
    return (values * weight).sum(dim=(-1, -2)) / weight.sum(dim=(-1, -2)).clamp(min=1e-6)
