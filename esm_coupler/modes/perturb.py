"""Members around an analysis: its latents are noised to a level and denoised from there (SDEdit,
Meng et al. 2022, arXiv 2108.01073).

What comes down from z + sigma e is no state around z: it lies nearer to the mean of the season.
So members are pairs. One run starts from z + sigma e, one from z - sigma e, and d, half of their
difference, is what the noise did; members 2k - 1 and 2k are z + d and z - d. Whatever both runs
share, the drift to the season's mean among it, is gone, for a single member as for many, and the
mean of whole pairs is z. z is the analysis without its bounds (`generator.uncensored`), so that
bounds, ice edge, land and freeboard hold when the bounds come back.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidValueError
from ..fields import FIELDS
from ..generator.joint import joint_state
from ..generator.latents import LatentSampler
from ..generator.model import Model
from ..generator.normalisation import LatentNormalisation
from ..generator.request import REFINE_SIGMA_MAX, Request
from ..generator.schedule import evaluations
from ..generator.transfer import Transfer
from ..pairs import pair_variance
from ..state import State
from .channels import field_of_channels
from .wishes import fault_of

Before = Callable[[], None]

ROUND_OFF = 1e-5  # what differs less after decoding is not lost
MOST_KEPT = 32  # pairs
NEAR = 0.8  # of the level: the first step down the usual levels is no shorter


@dataclass(frozen=True, eq=False)
class Perturbation:
    """Around which state (see `analysis.require_analysis`), and how far: noise of `noise_level` or
    that of `varied_scale` [km]; with a `target_spread` of sic [1] or sit [m] the deviations that it
    makes are stretched to that spread, and without a level one is found that needs no stretching.
    """

    analysis: State
    noise_level: float = 0.0
    varied_scale: float = 0.0
    target_spread: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        if problem := fault_of(self.noise_level, self.varied_scale, self.target_spread):
            raise InvalidValueError(problem)

    @property
    def key(self) -> tuple[str, float, float, tuple[float, float]]:
        """What tells two perturbations apart."""
        return (self.analysis.sha256, self.noise_level, self.varied_scale, self.target_spread)


@dataclass(frozen=True)
class Level:
    """`sigma` of the noise, where 1 is the spread of the latent, and for each field by what its
    deviations are stretched."""

    sigma: float
    stretch: tuple[float, ...]


class Around:
    """An analysis of one date, encoded, and the level that its members have."""

    def __init__(
        self, model: Model, analysis: State, date: datetime.date,
        sampler: LatentSampler | None = None,
    ) -> None:  # fmt: skip
        """The analysis is acceptable, and has the fields and the grid of the model; `sampler` is on
        the model's device, by default one of its own."""
        self.model = model
        self._sampler = sampler or LatentSampler(model, Transfer(model.space.mask.device))
        self.analysis = analysis
        self.level: Level
        # deviations of pairs at this level: the other half of a pair is often the next
        self.made: dict[Request, tuple[Tensor, ...]] = {}
        fields = torch.from_numpy(analysis.values[None]).to(model.space.mask.device)
        self._analysed = model.space.latents(fields.float())
        self._day = torch.tensor([float(date.timetuple().tm_yday)], device=fields.device)
        self.anomalies = tuple(
            torch.where(season.varies, season(latent, self._day), 0.0).double()
            for season, latent in zip(self._seasons, self._analysed, strict=True)
        )
        self._lost = self._not_decoded()

    @property
    def _seasons(self) -> list[LatentNormalisation]:
        return [denoiser.normalisation for denoiser in self.model.denoisers]

    def _not_decoded(self) -> np.ndarray:
        """(field, y, x) of the analysis that decoding does not give back."""
        fields = self.model.space.fields(self._analysed)[0].cpu().numpy()
        decoded, _ = joint_state(fields, self.analysis.names, self.analysis.grid)
        lost = self.analysis.values - decoded.values
        return np.where((np.abs(lost) > ROUND_OFF).any(axis=0), lost, 0.0)

    def with_lost(self, state: State) -> State:
        """A member with what the space cannot hold of the analysis, such as ice of 1e-4 of a
        cell."""
        values = state.values + self._lost
        bounds = [(FIELDS[name].lower, FIELDS[name].upper) for name in state.names]
        for field, (lower, upper) in zip(values, bounds, strict=True):
            field.clip(lower, upper, out=field)
        return State(values, state.names, state.grid)

    def latents(self, request: Request, before: Before) -> tuple[Tensor, ...]:
        """Of one member, the coarsest first."""
        pair = replace(request, member=(request.member + 1) // 2, perturbation=None)
        if pair not in self.made:
            self.made[pair] = self.deviations(pair, self.level.sigma, before)
        found = self.moved(self.made[pair], 1 if request.member % 2 else -1, self.level.stretch)
        for old in list(self.made)[:-MOST_KEPT]:
            del self.made[old]
        return found

    def nfe(self, request: Request) -> int:
        """Evaluations of networks that a member takes."""
        steps = (len(levels_below(request, number, self.level.sigma)) - 1
                 for number in range(len(self.anomalies)))  # fmt: skip
        return sum(2 * evaluations(request.sampler, n) for n in steps)

    def deviations(self, pair: Request, sigma: float, before: Before) -> tuple[Tensor, ...]:
        """d of one pair: for each latent (1, channel, y, x) in units of its spread."""
        found: tuple[Tensor, ...] = ()
        for number, anomaly in enumerate(self.anomalies):
            sigmas = levels_below(pair, number, sigma)
            plus, minus = (
                self._sampler.around(
                    pair, number, self.moved(found, sign), anomaly, sigmas, sign, before
                )
                for sign in (1, -1)
            )
            found = *found, (plus - minus) / 2
        return found

    def moved(
        self, deviations: tuple[Tensor, ...], sign: int, stretch: Sequence[float] = ()
    ) -> tuple[Tensor, ...]:
        """The latents of the analysis, as many as there are deviations, and `sign` times these,
        stretched field by field."""
        parts = zip(self._analysed, deviations, self._seasons, strict=False)
        return tuple(
            analysed
            + (sign * torch.where(season.varies, deviation, 0.0) * season.std(self._day)
               * self._factors(stretch)).float()
            for analysed, deviation, season in parts
        )  # fmt: skip

    def spread(
        self, made: Iterable[tuple[Tensor, ...]], names: Sequence[str],
        stretch: Sequence[float] = (),
    ) -> dict[str, float]:  # fmt: skip
        """Of these fields: root mean square, over the cells where the analysis has ice, of the
        standard deviation that members have of which the deviations of pairs make some."""
        members = np.concatenate([
            self.model.space.fields(self.moved(deviations, sign, stretch)).cpu().numpy()
            for deviations in made for sign in (1, -1)
        ])  # fmt: skip
        variance = pair_variance(members)[:, self.analysis["sic"] > 0]
        found = np.sqrt(variance.mean(axis=1))
        return {name: float(found[self.analysis.names.index(name)]) for name in names}

    def fields_at(self, anomalies: Sequence[Tensor]) -> np.ndarray:
        """(field, y, x) of anomalies (1, channel, y, x), one for each latent."""
        latents = (season.inverse(z, self._day).float()
                   for season, z in zip(self._seasons, anomalies, strict=True))  # fmt: skip
        return self.model.space.fields(tuple(latents))[0].cpu().numpy()

    def _factors(self, stretch: Sequence[float]) -> Tensor:
        """(channel, 1, 1) of a latent; the same for all where a channel is of no single field."""
        fields = field_of_channels(self.model.space)
        if fields is None or not stretch:
            return self._day.new_tensor(math.prod(stretch) ** (1 / max(1, len(stretch))))
        return self._day.new_tensor([stretch[index] for index in fields])[:, None, None]


def levels_below(request: Request, number: int, sigma: float) -> list[float]:
    """Noise levels from `sigma` down to 0, those of the request where they are lower."""
    first = min(sigma, REFINE_SIGMA_MAX) if number else sigma
    return [first, *(lower for lower in request.sigmas(number).tolist() if lower < NEAR * first)]
