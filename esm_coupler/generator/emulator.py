"""The emulator behind all three doors: a state and forcing in, the state a day later out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ..errors import DomainError, FieldError, GeneratedStateError, InvalidValueError
from ..fields import FORCINGS
from ..grid import Grid
from ..state import State
from .budget import Budget, budget_of, give_back
from .checkpoint import read_checkpoint
from .device import device_name, reproducible, select_device
from .emulator_file import load_emulator
from .projection import ProjectionReport, project
from .step_network import NAMES, STEP_SECONDS, StepNetwork
from .step_noise import step_noise

FORCING = tuple(FORCINGS)
LARGEST = 2**31 - 1  # a Fortran default integer


@dataclass(frozen=True)
class StepRequest:
    """A step of one member (from 1) that begins at `date`. `conserve`: area, volume and snow change
    by exactly what transport and the network's sources do, see budget.py."""

    member: int
    date: datetime.date
    seed: int = 1
    conserve: bool = False

    def __post_init__(self) -> None:
        for name, least in (("member", 1), ("seed", 0)):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or not least <= value <= LARGEST:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a whole number from {least} to {LARGEST}"
                )


@dataclass(frozen=True, eq=False)
class Step:
    """The state a step later, what projection changed, what the budget of area, volume and snow
    is, and the seconds that it took."""

    state: State
    report: ProjectionReport
    budget: Budget
    seconds: float


class Emulator:
    """A checkpoint of kind 'emulator', ready to step."""

    def __init__(
        self, network: StepNetwork, grid: Grid, manifest: dict[str, Any], sha256: str,
        device: str | torch.device = "auto", threads: int = 1,
    ) -> None:  # fmt: skip
        if threads < 1:
            raise InvalidValueError(f"threads is {threads!r}: torch needs 1 or more")
        self.device = device if isinstance(device, torch.device) else select_device(device)
        self.network = network.to(self.device, memory_format=torch.channels_last)
        self.network.requires_grad_(False)
        self.grid, self.manifest, self.threads = grid, manifest, threads
        self.checkpoint_sha256 = sha256
        self._mask = torch.from_numpy(grid.mask)

    @classmethod
    def load(
        cls, name_or_path: str | Path = "emulator", device: str | torch.device = "auto",
        threads: int = 1,
    ) -> Emulator:  # fmt: skip
        """A checkpoint that ships with the package, or a path; CheckpointError if it is not
        sound."""
        checkpoint = read_checkpoint(name_or_path, "emulator")
        network, grid = load_emulator(checkpoint)
        return cls(network, grid, checkpoint.manifest, checkpoint.sha256, device, threads)

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of a state, in the order of its values."""
        return NAMES

    def step(
        self, state: State, start: np.ndarray, end: np.ndarray, request: StepRequest,
        before_evaluation: Callable[[], None] = lambda: None,
    ) -> Step:  # fmt: skip
        """One member a day on, in a batch of 1: no other member changes its bits.

        start, end: (3, y, x) float64, FORCING of the day of the state and of the next one; what is
        on land does not matter. InvalidValueError for a state or forcing that is refused,
        GeneratedStateError if what comes out is no sea ice.
        """
        return self.steps([state], start, end, [request], before_evaluation)[0]

    def steps(
        self, states: Sequence[State], start: np.ndarray, end: np.ndarray,
        requests: Sequence[StepRequest], before_evaluation: Callable[[], None] = lambda: None,
    ) -> list[Step]:  # fmt: skip
        """Members of one day and forcing in one batch; more than one have other bits than each
        alone."""
        begun = time.perf_counter()
        _require_together(states, requests)
        for state in states:
            _require_fitting(state, self.grid)
        for values in (start, end):
            check_forcing(values, self.grid.mask)
        accepted = [project(state)[0] for state in states]
        before = torch.from_numpy(np.stack([state.values for state in accepted]))
        before_evaluation()
        with torch.inference_mode(), reproducible(self.threads):
            evaluated = self._evaluate(before, start, end, requests)
        finished = [
            self._finish(*parts, request.conserve)
            for *parts, request in zip(accepted, *evaluated, requests, strict=True)
        ]
        seconds = (time.perf_counter() - begun) / len(states)
        return [Step(*parts, seconds) for parts in finished]

    def _evaluate(
        self, before: Tensor, start: np.ndarray, end: np.ndarray, requests: Sequence[StepRequest]
    ) -> tuple[np.ndarray, ...]:
        """What StepNetwork.step gives, of all members."""
        ends = torch.from_numpy(np.stack([start, end])).float()
        forcing = pooled(ends, self._mask).flatten(0, 1)[None].expand(len(before), -1, -1, -1)
        days = torch.tensor([day_of_year(request.date) for request in requests])
        shapes, memory = self.network.noise_shapes, self.network.config.memory
        noises = [
            step_noise(shapes, memory, seed=r.seed, member=r.member, date=r.date) for r in requests
        ]
        noise = tuple(torch.cat(level).to(self.device) for level in zip(*noises, strict=True))
        inputs = before.to(self.device), forcing.to(self.device), days.to(self.device)
        return tuple(x.cpu().numpy() for x in self.network.step(*inputs, noise))

    def _finish(
        self, before: State, after: np.ndarray, carried: np.ndarray, free: np.ndarray,
        conserve: bool,
    ) -> tuple[State, ProjectionReport, Budget]:  # fmt: skip
        try:
            state, report = project(State(after, NAMES, self.grid))
        except InvalidValueError as error:
            raise GeneratedStateError(f"the emulator's own state is refused: {error}") from error
        if conserve:
            state = give_back(state, free)
        return state, report, budget_of(before, state, carried, free)

    def provenance(self, seed: int, conserve: bool = False) -> dict[str, Any]:
        """What a file should say of the origin of a forecast."""
        from .. import __version__

        return {
            "source": f"esm_coupler {__version__}, emulator, torch {torch.__version__}",
            "mode": "emulator", "emulator_sha256": self.checkpoint_sha256, "seed": seed,
            "nfe": self.network.config.nfe, "conserve": str(conserve).lower(),
            "threads": self.threads, "device": device_name(self.device),
        }  # fmt: skip


def pooled(forcing: Tensor, mask: Tensor) -> Tensor:
    """(day, 3, y, x) -> (day, 3, y/2, x/2): means over ocean cells; without any, over all such."""
    ocean = mask.to(forcing)
    share = F.avg_pool2d(ocean[None, None], 2)
    sums = F.avg_pool2d(torch.where(mask, forcing, 0.0), 2)
    mean = sums.mean(dim=(-1, -2), keepdim=True) / share.mean()
    return torch.where(share > 0, sums / share.clamp(min=0.25), mean)


def day_of_year(date: datetime.date) -> int:
    """From 1 to 365; 29 February is as the day before."""
    leap = date.year % 4 == 0 and (date.year % 100 != 0 or date.year % 400 == 0)
    number = date.timetuple().tm_yday
    return number - 1 if leap and number > 59 else number


def _require_together(states: Sequence[State], requests: Sequence[StepRequest]) -> None:
    """InvalidValueError unless each state has its request, all of one day."""
    if not states or len(states) != len(requests):
        raise InvalidValueError(
            f"{len(states)} states and {len(requests)} requests are given: a step takes one or "
            "more states, and a request for each"
        )
    dates = sorted({request.date for request in requests})
    if len(dates) > 1:
        raise InvalidValueError(
            f"the requests are of {dates[0]} and of {dates[-1]}: members that step together "
            "share a date and its forcing"
        )


def _require_fitting(state: State, grid: Grid) -> None:
    """FieldError for other fields, DomainError for another grid."""
    if state.names != NAMES:
        raise FieldError(
            f"the state has {', '.join(state.names)}; an emulator steps {', '.join(NAMES)}, in "
            "this order"
        )
    if state.grid.shape != grid.shape:
        raise DomainError(
            f"the state has {state.grid.shape[1]} x {state.grid.shape[0]} cells, the emulator has "
            f"{grid.shape[1]} x {grid.shape[0]}: give a state on its grid"
        )


def check_forcing(values: np.ndarray, mask: np.ndarray) -> None:
    """FieldError unless (3, y, x); InvalidValueError with field, i, j (from 1) of the first value
    on ocean that is not finite or implausible."""
    if np.shape(values) != (len(FORCING), *mask.shape):
        raise FieldError(
            f"forcing has shape {np.shape(values)}, needed is {(len(FORCING), *mask.shape)}: "
            f"{', '.join(FORCING)} on the emulator's grid"
        )
    for name, field, array in zip(FORCING, FORCINGS.values(), values, strict=True):
        low, high = field.plausible
        wrong = ~((array >= low) & (array <= high)) & mask
        if wrong.any():
            j, i = np.argwhere(wrong)[0]
            raise InvalidValueError(
                f"forcing '{name}' is {array[j, i]}{field.unit_text} at i={i + 1}, j={j + 1} and "
                f"so at {wrong.sum()} points in all: between {low:g} and {high:g} is plausible; it is "
                "refused, so look for the fault that made it"
            )
