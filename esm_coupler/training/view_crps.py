"""The fair CRPS of what is seen of members (views.py), each view in a size of its own."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from . import views

See = Callable[[Tensor, Tensor], list[views.Seen]]

# The fair CRPS of two members does not care where one is while the other is right; a little of
# the ordinary CRPS does (Lang et al. 2024, eq. 4).
FAIRNESS = 0.99
QUARTERS = 4  # seasons of which a view has its size
LEAST_SIZE = 0.1  # of the mean over all places


class ViewCrps:
    """Scores members (member, sample, field, y, x) against the truth (sample, field, y, x) on days
    of the year (sample,): mean fair CRPS (field,) over views of places, and over roughnesses (Lang
    et al. 2024, arXiv 2412.15832, score cells).

    Each view is scored in sizes of what `typical` (day, field, y, x) has of it, there and in that
    season: a drift that is as smooth as the truth's, and a pack as closed, count as much as a
    moving ice edge.
    """

    def __init__(self, typical: Tensor, day_of_year: Tensor, mask: Tensor) -> None:
        """mask (field, y, x): 1 where a field counts, else 0."""
        self.mask = mask
        seasons = _seasons(_quarter(day_of_year))
        self._sizes = {
            see: [_sizes(*seen, seasons) for seen in see(typical * mask, mask)]
            for see in (views.places, views.roughnesses)
        }

    def to(self, device: torch.device) -> ViewCrps:
        self.mask = self.mask.to(device)
        self._sizes = {see: [s.to(device) for s in sizes] for see, sizes in self._sizes.items()}
        return self

    def __call__(
        self, members: Tensor, truth: Tensor, day_of_year: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of places, and of roughnesses."""
        of_places, of_roughness = (
            [_mean_crps(*pair) for pair in self._pairs(see, members, truth, day_of_year)]
            for see in self._sizes
        )
        return torch.stack(of_places).mean(dim=0), torch.stack(of_roughness).mean(dim=0)

    def _pairs(
        self, see: See, members: Tensor, truth: Tensor, day_of_year: Tensor
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """What is seen of members and of the truth, in sizes, and the weight of its places."""
        quarters = _quarter(day_of_year)
        seen = see(members * self.mask, self.mask), see(truth * self.mask, self.mask)
        return [
            (ours / size[quarters], true / size[quarters], weight)
            for (ours, weight), (true, _), size in zip(*seen, self._sizes[see], strict=True)
        ]


def fair_crps(members: Tensor, truth: Tensor, fairness: float = 1.0) -> Tensor:
    """(member, ...) against (...) -> (...): the continuous ranked probability score that does not
    depend on the number of members in expectation (Ferro 2014, doi:10.1002/qj.2270).

    With `fairness` below 1 the rest is the ordinary one of the ensemble, with 0 all.
    """
    n = len(members)
    error = (members - truth).abs().mean(dim=0)
    apart = (members[:, None] - members[None]).abs().sum(dim=(0, 1)) / (n * (n - 1))
    return error - 0.5 * (1 - (1 - fairness) / n) * apart


def _quarter(day_of_year: Tensor) -> Tensor:
    return (day_of_year.long() - 1) * QUARTERS // 366


def _seasons(quarters: Tensor) -> list[Tensor]:
    """For each quarter, which days are of it; all where there are none."""
    of_each = [quarters == number for number in range(QUARTERS)]
    return [there if there.any() else torch.ones_like(there) for there in of_each]


def _sizes(view: Tensor, weight: Tensor, seasons: list[Tensor]) -> Tensor:
    """(season, field, y, x)."""
    return torch.stack([_size(view[there], weight) for there in seasons])


def _size(view: Tensor, weight: Tensor) -> Tensor:
    """(field, y, x): size at each place, and where that is little a share of what it is in the mean
    of all places. It is the squared mean root, not the root mean square: a pack is quiet but for
    days of storm, and the quiet days are to be quiet too."""
    here = view.abs().sqrt().mean(dim=0).square()
    everywhere = _mean(here, weight)[..., None, None]
    return (here + LEAST_SIZE * everywhere).clamp(min=1e-6)


def _mean_crps(members: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """(field,): over samples, and weighted over places."""
    if len(members) == 1:
        crps = (members[0] - truth).abs()
    else:
        crps = fair_crps(members, truth, FAIRNESS)
    return _mean(crps, weight).mean(dim=0)


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Over places; 0 where there are none, as of large blocks in a small basin."""
    return (values * weight).sum(dim=(-1, -2)) / weight.sum(dim=(-1, -2)).clamp(min=1e-6)
