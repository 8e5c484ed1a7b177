"""The score by which an emulator learns: members of a forecast against what the simulation did.

The fair CRPS of what is seen of the members (view_crps.py): so they have the spread of their error
at each scale, and are as smooth as the truth. It sees the bulk of the errors more than their tails,
while spread over RMSE, by which forecasts are judged, is of squares; so the spread over all cells
is scored beside it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..fields import DRIFT
from ..generator.step_network import NAMES, StepNetwork
from .drives import Drives
from .view_crps import ViewCrps

SIZED_DAYS = 1000
SPREAD_WEIGHT = 0.2
GROWTH = 0.75  # power of the days with which the CRPS of area, volume and snow grows


class Score:
    """Fair CRPS of members (member, sample, field, y, x) against the truth (sample, field, y, x),
    in sizes of what a day changes and over what so many days change; and how far the members'
    spread over all cells is from their error."""

    def __init__(self, network: StepNetwork, known: Drives) -> None:
        ocean, drift = network.mask.float(), network.drift_mask.float()
        mask = torch.stack([drift if name in DRIFT else ocean for name in NAMES]).cpu()
        self.crps = ViewCrps(*_rests(network, known), mask).to(network.mask.device)

    def __call__(self, members: Tensor, truth: Tensor, days: int, day_of_year: Tensor) -> Tensor:
        crps = sum(self.crps(members, truth, day_of_year)) / _growth(days).to(members)
        return crps.mean() + SPREAD_WEIGHT * spread_misfit(members, truth, self.crps.mask)


def spread_misfit(members: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Mean over fields of (log(v / e) + e / v - 1) / 2, v the members' variance over all cells,
    with the factor for few of them, e the squared error of their mean: 0 where both are the same
    (Dawid and Sebastiani 1999, doi 10.1214/aos/1018031101). It pulls at the spread alone, and most
    where that is large; the error is left to the CRPS. 0 of a single member."""
    if len(members) == 1:
        return members.new_zeros(())
    variance = (1 + 1 / len(members)) * members.var(dim=0)
    error = (members.mean(dim=0) - truth).square().detach()
    v, e = ((x * mask).sum(dim=(0, -1, -2)).clamp(min=1e-12) for x in (variance, error))
    return ((v / e).log() + e / v - 1).mean() / 2


def _growth(days: int) -> Tensor:
    """(field,) of what that many days change over a day's: area, volume and snow go on from the day
    before, the drift is made anew."""
    return torch.tensor([1.0 if name in DRIFT else days**GROWTH for name in NAMES])


@torch.no_grad()
def _rests(network: StepNetwork, known: Drives) -> tuple[Tensor, Tensor]:
    """What a day changes beyond transport (day, field, y, x), and the days of the year."""
    days = known.starts[:: max(1, len(known.starts) // SIZED_DAYS)]
    device = network.mask.device
    before, after = (known.states[some].to(device) for some in (days, days + 1))
    return network.beyond_transport(before, after).cpu(), known.day_of_year[days]
