"""How much noise an analysis gets: as the user says, by scale, or by the spread that it leads to.

All three depend on the analysis, the date, the seed and the sampler, and on no member that is
asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from scipy.fft import dctn

from ..errors import InvalidValueError
from ..fields import FIELDS
from ..generator.request import Request
from .channels import field_of_channels
from .perturb import Around, Level, Perturbation

Before = Callable[[], None]

LOWEST, HIGHEST = 0.01, 80.0  # noise levels; the latter leaves nothing of the analysis
SPREAD_FIELDS = ("sic", "sit")
PAIRS, FEW = 32, 2  # members 1 to 64 measure the spread, 1 to 4 while a level is searched
DRAWS = 8  # of noise, whose power at a scale is measured
FIRST_GUESS, USUAL_SLOPE = 0.5, 0.7  # spread about as the level to this power
LEAST_SLOPE = 0.1
NEAR_ENOUGH = 0.2  # of the target's logarithm: the rest is stretched
EXACT, MOST_TRIES = 0.01, 10
MOST_STRETCH = 2.0
OCTAVE_SHARE = 0.5  # width of the band of a scale, in octaves


def find_level(
    around: Around, perturbation: Perturbation, request: Request, before: Before
) -> Level:
    """The level that a perturbation asks for, around its analysis encoded.

    InvalidValueError if it cannot be reached, and what can be.
    """
    sigma = perturbation.noise_level
    if perturbation.varied_scale:
        sigma = _of_scale(around, perturbation.varied_scale, request)
    wanted = zip(SPREAD_FIELDS, perturbation.target_spread, strict=True)
    targets = {name: value for name, value in wanted if value}
    if not targets:
        return Level(sigma, ())
    _require_targets(around, targets)
    request = replace(request, perturbation=None)
    pairs = [replace(request, member=number) for number in range(1, PAIRS + 1)]
    sigma = sigma or _of_spread(around, targets, pairs[:FEW], before)
    around.made = {pair: around.deviations(pair, sigma, before) for pair in pairs}
    stretch = _stretches(around, targets)
    if stretch is None:
        raise InvalidValueError(_out_of_reach(around, targets, sigma))
    return Level(sigma, tuple(stretch[name] for name in around.analysis.names))


def _of_scale(around: Around, scale: float, request: Request) -> float:
    """The level at which the noise, as fields, has the power of the analysis' own anomaly at the
    wavelength `scale` [km], geometric mean over the fields: scales with more power stay, those
    with less vary (as Hess et al., arXiv 2403.02774, choose theirs). Power by cosine transform
    (Denis et al. 2002, doi:10.1175/1520-0493(2002)130<1812:SDOTDA>2.0.CO;2)."""
    analysis = around.analysis
    band = _band(analysis.grid.cell_area, scale)
    mean = around.fields_at([torch.zeros_like(z) for z in around.anomalies])
    signal = _power(around.fields_at(around.anomalies) - mean, band)
    noise = np.zeros_like(signal)
    for number in range(1, DRAWS + 1):
        member = replace(request, member=number, perturbation=None)
        drawn = [
            member.noise(around.model.space.shapes[stage], stage).to(z)
            for stage, z in enumerate(around.anomalies)
        ]
        noise += _power(around.fields_at(drawn) - mean, band) / DRAWS
    known = (signal > 0) & (noise > 0)
    if not known.any():
        raise InvalidValueError(
            f"varied_scale = {scale:g} km: the analysis is the mean of the season at this scale; "
            "give noise_level"
        )
    level = math.exp(0.5 * float(np.log(signal[known] / noise[known]).mean()))
    return min(max(level, LOWEST), HIGHEST)


def _band(cell_area: np.ndarray, scale: float) -> np.ndarray:
    """(y, x) bool: cosine modes of about this wavelength; InvalidValueError if there are none."""
    width = math.sqrt(float(cell_area.mean())) / 1000
    ny, nx = cell_area.shape
    waves = np.hypot(np.arange(ny)[:, None] / ny, np.arange(nx)[None] / nx) / (2 * width)
    longest, shortest = 2 * width * max(ny, nx), 2 * width
    if not shortest <= scale <= longest:
        raise InvalidValueError(
            f"varied_scale is {scale:g} km: on this grid it must be from {shortest:.0f} to "
            f"{longest:.0f} km"
        )
    with np.errstate(divide="ignore"):
        return np.abs(np.log2(waves * scale)) <= OCTAVE_SHARE


def _power(fields: np.ndarray, band: np.ndarray) -> np.ndarray:
    """(field,) mean power of the modes."""
    return np.array([np.square(dctn(field, norm="ortho")[band]).mean() for field in fields])


def _of_spread(
    around: Around, targets: Mapping[str, float], pairs: Sequence[Request], before: Before
) -> float:
    """The level with about this spread, by secants in the logarithms of both."""
    sigma, slope, known = FIRST_GUESS, USUAL_SLOPE, None
    while True:
        made = [around.deviations(pair, sigma, before) for pair in pairs]
        spread = around.spread(made, tuple(targets))
        missing = float(np.mean([math.log(targets[n] / spread[n]) for n in targets]))
        if known is not None:
            slope = (known[1] - missing) / math.log(sigma / known[0])
        following = _within(sigma * math.exp(missing / max(slope, LEAST_SLOPE)))
        if abs(missing) < NEAR_ENOUGH or following == sigma:
            return sigma
        known, sigma = (sigma, missing), following


def _within(sigma: float) -> float:
    return min(max(sigma, LOWEST), HIGHEST)


def _stretches(around: Around, targets: Mapping[str, float]) -> dict[str, float] | None:
    """By what the deviations of each field are stretched so that the spread is the target's, other
    fields by the geometric mean; None if it takes more than is sound."""
    own = dict.fromkeys(targets, 1.0)
    for _ in range(MOST_TRIES):
        others = math.exp(float(np.mean(np.log(list(own.values())))))
        stretch = {name: own.get(name, others) for name in around.analysis.names}
        spread = around.spread(around.made.values(), tuple(targets), tuple(stretch.values()))
        missing = {name: targets[name] / spread[name] for name in targets}
        if all(abs(math.log(factor)) < EXACT for factor in missing.values()):
            return stretch
        own = {name: own[name] * missing[name] for name in targets}
        if max(own.values()) > MOST_STRETCH:
            return None
    return None


def _require_targets(around: Around, targets: Mapping[str, float]) -> None:
    for name in targets:
        if name not in around.analysis:
            raise InvalidValueError(
                f"target_spread is given for '{name}', which the checkpoint does not have: give 0"
            )
    if not (around.analysis["sic"] > 0).any():
        raise InvalidValueError(
            "the analysis has no ice, over which target_spread could be measured: give noise_level"
        )
    if len(targets) > 1 and field_of_channels(around.model.space) is None:
        raise InvalidValueError(
            "target_spread is given for sic and for sit, but the space of this checkpoint mixes "
            "its fields, so that one sets the other: give 0 for one of them"
        )


def _out_of_reach(around: Around, targets: Mapping[str, float], sigma: float) -> str:
    def told(values: Mapping[str, float]) -> str:
        return ", ".join(f"{n} {v:.3g}{FIELDS[n].unit_text}" for n, v in values.items())

    found = around.spread(around.made.values(), tuple(targets))
    remedy = "ask for less" if sigma == HIGHEST else "ask for less, or give a higher noise_level"
    return (
        f"target_spread ({told(targets)}) cannot be reached around this analysis: noise of level "
        f"{sigma:.3g} (of {LOWEST:g} to {HIGHEST:g}) gives {told(found)}, and no field is "
        f"stretched by more than {MOST_STRETCH:g}; {remedy}"
    )
