"""The engine behind all three doors: a request in, a bounded sea-ice state out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ..errors import GeneratedStateError, InvalidValueError
from ..fields import DRIFT
from ..grid import Grid
from ..state import Ensemble, State, parse_date
from .checkpoint import read_checkpoint
from .compiled import compile_network
from .device import device_name, reproducible, select_device
from .latents import LatentSampler
from .model import Model, load_model
from .noise import gaussian
from .precision import PRECISIONS, multiply_in_bf16
from .projection import ProjectionReport, check_plausible, project
from .schedule import (
    CHURN,
    LIMITS,
    RHO,
    SAMPLER_NAMES,
    SIGMA_MAX,
    SIGMA_MIN,
    evaluations,
    karras_sigmas,
)
from .space import Shape
from .transfer import Transfer

T = TypeVar("T")

# Thickness [m] of ice of which only volume (what is left in nearly open water is thick: a median
# of 2.3 m in the training simulation) or only area (new ice) was decoded. Powers of two, so that
# a value stays a real32.
REMNANT_THICKNESS, NEW_ICE_THICKNESS = 2.0, 0.125

_LEAST = {"member": 1, "seed": 0, "n_steps": 1, "refine_steps": 1}
_LARGEST = 2**31 - 1  # a Fortran default integer
DRAWS_OF_A_STAGE = 2**32  # the draws of one latent are none of another's
REFINE_SIGMA_MAX = 10.0
# What generators of one step were trained for: the first evaluation of this sampler is the result.
ONE_STEP = {"sampler": "dpm", "n_steps": 1, "sigma_max": SIGMA_MAX}


@dataclass(frozen=True)
class Request:
    """One ensemble member, `member` from 1, `seed` >= 0, and how its noise becomes a state.

    `n_steps` levels from `sigma_max` to `sigma_min`, spaced by `rho`; `churn` is for the
    stochastic sampler. InvalidValueError names what is out of range.
    """

    member: int
    date: datetime.date
    seed: int = 1
    n_steps: int = 20
    sampler: str = "heun"
    sigma_min: float = SIGMA_MIN
    sigma_max: float = SIGMA_MAX
    rho: float = RHO
    churn: float = CHURN
    refine_steps: int = 5

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or not least <= value <= _LARGEST:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a whole number from {least} to {_LARGEST}"
                )
        for name, (low, high) in LIMITS.items():
            value = getattr(self, name)
            if not isinstance(value, Real) or not low <= value <= high:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a number from {low:g} to {high:g}"
                )
        if self.sampler not in SAMPLER_NAMES:
            raise InvalidValueError(
                f"sampler is {self.sampler!r}: choose from {', '.join(SAMPLER_NAMES)}"
            )

    @property
    def nfe(self) -> tuple[int, int]:
        """Evaluations of the network for the first latent, and for the second if there is one."""
        return (
            evaluations(self.sampler, self.n_steps), evaluations(self.sampler, self.refine_steps)
        )  # fmt: skip

    def noise(self, shape: Shape, stage: int = 0, draw: int = 0) -> torch.Tensor:
        """Its own unit noise (1, channel, y, x) float64 for the latent of a stage: what it starts
        from, then fresh draws."""
        number = stage * DRAWS_OF_A_STAGE + draw
        drawn = gaussian(shape, seed=self.seed, member=self.member, date=self.date, draw=number)
        return torch.from_numpy(drawn)[None]

    def sigmas(self, stage: int = 0) -> np.ndarray:
        """Noise levels for the latent of a stage: what is coarse settles most of what is fine, so
        that fewer and lower ones do for the latter."""
        if stage == 0:
            return karras_sigmas(self.n_steps, self.sigma_min, self.sigma_max, self.rho)
        highest = min(self.sigma_max, REFINE_SIGMA_MAX)
        return karras_sigmas(self.refine_steps, self.sigma_min, highest, self.rho)


@dataclass(frozen=True, eq=False)
class Sample:
    """A projected state, the decoded one that it was, what projection changed, in how many cells
    area and volume had been completed when decoding, and the seconds it all took."""

    state: State
    decoded: State
    report: ProjectionReport
    cells_completed: int
    seconds: float


class Generator:
    """Latent diffusion from a checkpoint: same request, same bits."""

    def __init__(
        self, model: Model, manifest: dict[str, Any], sha256: str,
        device: str | torch.device = "auto", threads: int = 1, compile: bool = False,
        precision: str = "fp32", cuda_graph: bool = False,
    ) -> None:  # fmt: skip
        if threads < 1:
            raise InvalidValueError(f"threads is {threads!r}: torch needs 1 or more")
        if precision not in PRECISIONS:
            raise InvalidValueError(
                f"precision is {precision!r}: choose from {', '.join(PRECISIONS)}"
            )
        self.device = device if isinstance(device, torch.device) else select_device(device)
        self.model = model
        for network in (model.space, *model.denoisers):
            network.to(self.device, memory_format=torch.channels_last).requires_grad_(False)
        self.manifest = manifest
        self.checkpoint_sha256 = sha256
        self.threads = threads
        self.compiled = compile
        self.precision = precision
        self._transfer = Transfer(self.device)
        self._sampler = LatentSampler(model, self._transfer, cuda_graph)
        if precision == "bf16":
            for network in model.denoisers:
                multiply_in_bf16(network, self.device)
        if compile:
            first = Request(1, datetime.date(2000, 1, 1), n_steps=1)
            for network in model.denoisers:
                compile_network(network, lambda: self.sample(first))

    @classmethod
    def load(
        cls, name_or_path: str | Path = "default", device: str | torch.device = "auto",
        threads: int = 1, compile: bool = False, precision: str = "fp32", cuda_graph: bool = False,
    ) -> Generator:  # fmt: skip
        """A checkpoint that ships with the package, or a path.

        `compile`: the denoiser is compiled by torch first, for other bits in less time a member.
        `precision` of the network: 'fp32', or 'bf16', which gives up bits; sums and states keep
        theirs. `cuda_graph`: on a GPU the sampling of a latent is one graph.
        CheckpointError if the checkpoint is not sound, ConfigError without a C++ compiler.
        """
        checkpoint = read_checkpoint(name_or_path, "generator")
        return cls(
            load_model(checkpoint), checkpoint.manifest, checkpoint.sha256,
            device, threads, compile, precision, cuda_graph,
        )  # fmt: skip

    @property
    def grid(self) -> Grid:
        return self.model.grid

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of a generated state."""
        return self.model.names

    def sample(
        self, request: Request, before_evaluation: Callable[[], None] = lambda: None
    ) -> Sample:
        """One member, in a batch of 1, so that no other member changes its bits.

        `before_evaluation` is called before each of the network's (with a CUDA graph, before each
        latent), and may raise to end the work.

        GeneratedStateError if what comes out is no sea ice.
        """
        return self.samples([request], before_evaluation)[0]

    def samples(
        self, requests: Sequence[Request], before_evaluation: Callable[[], None] = lambda: None
    ) -> list[Sample]:
        """Members made in one batch, as of `sample`. Their requests differ in nothing but seed and
        member; more than one have other bits than each alone."""
        start = time.perf_counter()
        with torch.inference_mode(), reproducible(self.threads):
            latents = self.latents(requests, before_evaluation)
            fields = self._transfer.take(self.model.space.fields(latents))
        states = [self._accept(each) for each in fields]
        seconds = (time.perf_counter() - start) / len(requests)
        return [Sample(*parts, seconds) for parts in states]

    def _accept(self, fields: np.ndarray) -> tuple[State, State, ProjectionReport, int]:
        """What a Sample says of decoded fields (field, y, x), but for its seconds."""
        decoded, completed = _accepted(lambda: joint_state(fields, self.names, self.grid))
        state, report = _accepted(lambda: project(decoded))
        return state, decoded, report, completed

    def generate(
        self, members: int | Iterable[int] = 16, seed: int = 1,
        date: int | str | datetime.date = "2018-03-01", n_steps: int = 20,
        sampler: str = "heun", batch_members: int = 1, **options: float,
    ) -> Ensemble:  # fmt: skip
        """Members 1 to `members`, or those numbered. Member k is the same in any company, unless
        `batch_members` of them go through the network together.

        `sampler`: 'heun', 'dpm' or 'stochastic'; `options`: sigma_min, sigma_max, rho and churn
        of a Request.
        """
        day, numbers = parse_date(date), _member_numbers(members)
        requests = [Request(k, day, seed, n_steps, sampler, **options) for k in numbers]
        states = [s.state for some in batches(requests, batch_members) for s in self.samples(some)]
        provenance = self.provenance(requests[0], batch_members)
        return Ensemble.from_states(states, numbers, day, provenance)

    def as_trained(self, request: Request) -> Request:
        """The request; of a generator of one step, with the one evaluation that it knows."""
        return replace(request, **ONE_STEP) if self.model.one_step else request

    def nfe(self, request: Request) -> int:
        """Evaluations of networks that a member takes."""
        return sum(self.as_trained(request).nfe[: len(self.model.denoisers)])

    def provenance(self, request: Request, batch_members: int = 1) -> dict[str, Any]:
        """What a file should say of the origin of members made like `request`, so many at once."""
        from .. import __version__

        request = self.as_trained(request)
        return {
            "source": f"esm_coupler {__version__}, latent diffusion, torch {torch.__version__}",
            "checkpoint_sha256": self.checkpoint_sha256,
            "seed": request.seed, "sampler": request.sampler, "n_steps": request.n_steps,
            "refine_steps": request.refine_steps, "nfe": self.nfe(request),
            "noise_levels": _levels(request), "batch": batch_members,
            "threads": self.threads, "device": device_name(self.device),
            "precision": self.precision, "compiled": str(self.compiled).lower(),
            "reproducible": str(batch_members == 1).lower(),
        }  # fmt: skip

    def latents(
        self, requests: Sequence[Request], before_evaluation: Callable[[], None] = lambda: None
    ) -> tuple[torch.Tensor, ...]:
        """The latents (request, channel, y, x) float32 that the noise of requests leads to, which
        differ in nothing but seed and member. More than one at a time have other bits than each
        alone: `sample` never does that."""
        trained = [self.as_trained(request) for request in requests]
        return self._sampler.sample(trained, before_evaluation)


def batches(requests: Sequence[T], size: int) -> list[Sequence[T]]:
    """Requests, so many at a time; InvalidValueError for a size that is none."""
    if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
        raise InvalidValueError(f"batch_members is {size!r}: it must be a whole number from 1")
    return [requests[start : start + size] for start in range(0, len(requests), size)]


def _levels(request: Request) -> str:
    """The noise levels of a request, in words."""
    text = f"from {request.sigma_max:g} to {request.sigma_min:g}, rho {request.rho:g}"
    return text + (f", churn {request.churn:g}" if request.sampler == "stochastic" else "")


def _accepted(make: Callable[[], T]) -> T:
    """What a check lets pass that does not know whose the state is: here the generator's own."""
    try:
        return make()
    except InvalidValueError as error:
        raise GeneratedStateError(
            f"the generator's own state is refused: {error}; with few n_steps take sampler = 'dpm'"
        ) from error


def _member_numbers(members: int | Iterable[int]) -> list[int]:
    """1 to `members`, or those listed; InvalidValueError if there are none or one is twice."""
    if isinstance(members, Integral) and not isinstance(members, bool):
        numbers = list(range(1, int(members) + 1))
    elif isinstance(members, Iterable) and not isinstance(members, str):
        numbers = list(members)
    else:
        numbers = []
    if not numbers or len(set(numbers)) < len(numbers):
        raise InvalidValueError(
            f"members is {members!r}: give a number of 1 or more, or a list of different numbers"
        )
    return numbers


def joint_state(
    fields: np.ndarray, names: tuple[str, ...], grid: Grid
) -> tuple[State, int]:
    """State of decoded fields (field, y, x), and in how many cells area and volume were completed;
    InvalidValueError for what is not finite or implausible.

    Each field is censored for itself, so in traces of ice one of the two may lie on its bound
    while the other does not: the missing one follows from a typical thickness.
    """
    values = fields.astype(np.float64)
    check_plausible(State(values, names, grid))  # first: NaN would pass for open water below
    completed = 0
    if "sic" in names and "sit" in names:
        sic, sit = values[names.index("sic")], values[names.index("sit")]
        without_area, without_volume = (sit > 0) & (sic <= 0), (sic > 0) & (sit <= 0)
        sic[without_area] = np.minimum(sit[without_area] / REMNANT_THICKNESS, 1.0)
        sit[without_volume] = sic[without_volume] * NEW_ICE_THICKNESS
        completed = int((without_area | without_volume).sum())
    ice = np.logical_or.reduce([values[names.index(n)] > 0 for n in ("sic", "sit") if n in names])
    touched = grid.touched_by(ice) & grid.drift_mask
    for index, name in enumerate(names):
        values[index] = np.where(touched if name in DRIFT else ice, values[index], 0.0)
    return State(values, names, grid), completed
