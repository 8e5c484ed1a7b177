"""The engine behind all three doors: a request in, a bounded sea-ice state out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ..errors import GeneratedStateError, InvalidValueError
from ..grid import Grid
from ..modes.analysis import require_analysis
from ..modes.noise_level import find_level
from ..modes.perturb import Around, Perturbation
from ..state import Ensemble, State, parse_date
from .checkpoint import read_checkpoint
from .compiled import compile_network
from .device import device_name, reproducible, select_device
from .joint import joint_state
from .latents import LatentSampler
from .model import Model, load_model
from .precision import PRECISIONS, multiply_in_bf16
from .projection import ProjectionReport, project
from .request import Request
from .schedule import SIGMA_MAX
from .transfer import Transfer

T = TypeVar("T")

# What generators of one step were trained for: the first evaluation of this sampler is the result.
ONE_STEP = {"sampler": "dpm", "n_steps": 1, "sigma_max": SIGMA_MAX}


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
        self._kept: tuple[Any, Around] | None = None
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
        around = self._around(requests[0], before_evaluation)
        with torch.inference_mode(), reproducible(self.threads):
            if around is None:
                made = [self.latents(requests, before_evaluation)]
            else:  # one by one: halves of pairs have nothing to gain from a batch
                made = [around.latents(request, before_evaluation) for request in requests]
            fields = [self._transfer.take(self.model.space.fields(latents)) for latents in made]
        states = [self._accept(each, around) for each in np.concatenate(fields)]
        seconds = (time.perf_counter() - start) / len(requests)
        return [Sample(*parts, seconds) for parts in states]

    def _accept(
        self, fields: np.ndarray, around: Around | None
    ) -> tuple[State, State, ProjectionReport, int]:
        """What a Sample says of decoded fields (field, y, x), but for its seconds."""
        decoded, completed = _accepted(lambda: joint_state(fields, self.names, self.grid))
        if around is not None:
            decoded = around.with_lost(decoded)
        state, report = _accepted(lambda: project(decoded))
        return state, decoded, report, completed

    def generate(
        self, members: int | Iterable[int] = 16, seed: int = 1,
        date: int | str | datetime.date = "2018-03-01", n_steps: int = 20,
        sampler: str = "dpm", batch_members: int = 1, **options: float,
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

    def perturb(
        self, analysis: State, members: int | Iterable[int] = 16, seed: int = 1,
        date: int | str | datetime.date = "2018-03-01", noise_level: float = 0.0,
        varied_scale: float = 0.0, target_spread: tuple[float, float] = (0.0, 0.0),
        **options: Any,
    ) -> Ensemble:  # fmt: skip
        """Members around `analysis`, a state of this date with all fields on this grid, as far as
        a Perturbation says. `options`: those of a Request.

        InvalidValueError, FieldError or DomainError for an analysis that is none.
        """
        day, numbers = parse_date(date), _member_numbers(members)
        wish = Perturbation(analysis, noise_level, varied_scale, target_spread)
        requests = [Request(k, day, seed, perturbation=wish, **options) for k in numbers]
        states = [self.sample(request).state for request in requests]
        return Ensemble.from_states(states, numbers, day, self.provenance(requests[0]))

    def _around(self, request: Request, before_evaluation: Callable[[], None]) -> Around | None:
        """The analysis of a request, encoded, with its level. The last one is kept: finding a
        level takes longer than a member."""
        wish = request.perturbation
        if wish is None:
            return None
        if self.model.one_step:
            raise InvalidValueError(
                "mode = 'perturb' needs a generator of all noise levels, and this checkpoint is of "
                "one step: take another checkpoint"
            )
        key = replace(request, member=1, perturbation=None), wish.key
        if self._kept is None or self._kept[0] != key:
            analysis = require_analysis(wish.analysis, self.names, self.grid)
            with torch.inference_mode(), reproducible(self.threads):
                around = Around(self.model, analysis, request.date, self._sampler)
                around.level = find_level(around, wish, request, before_evaluation)
            self._kept = key, around
        return self._kept[1]

    def as_trained(self, request: Request) -> Request:
        """The request; of a generator of one step, with the one evaluation that it knows."""
        return replace(request, **ONE_STEP) if self.model.one_step else request

    def nfe(self, request: Request) -> int:
        """Evaluations of networks that a member takes."""
        around = self._around(request, lambda: None)
        if around is not None:
            return around.nfe(request)
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
            "reproducible": str(self._is_reproducible(request, batch_members)).lower(),
            **self._of_analysis(request),
        }  # fmt: skip

    def _is_reproducible(self, request: Request, batch_members: int) -> bool:
        """Whether no option is used that gives up bits for speed; perturbed members are made one
        by one."""
        alone = batch_members == 1 or request.perturbation is not None
        return alone and not self.compiled and self.precision == "fp32"

    def _of_analysis(self, request: Request) -> dict[str, Any]:
        """The analysis and the level of a perturbed member."""
        around, wish = self._around(request, lambda: None), request.perturbation
        if around is None or wish is None:
            return {"mode": "unconditional"}
        return {
            "mode": "perturb", "analysis_sha256": wish.analysis.sha256,
            "noise_level": around.level.sigma, "stretch": list(around.level.stretch or (1.0,)),
            "varied_scale": wish.varied_scale, "target_spread": list(wish.target_spread),
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
