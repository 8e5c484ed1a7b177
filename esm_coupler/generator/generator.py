"""The engine behind all three doors: a request in, a bounded sea-ice state out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch

from ..errors import GeneratedStateError, InvalidValueError
from ..fields import DRIFT
from ..grid import Grid
from ..state import Ensemble, State, parse_date
from .checkpoint import read_checkpoint
from .device import reproducible, select_device
from .model import Model, load_model
from .noise import gaussian
from .projection import ProjectionReport, check_plausible, project
from .sampler import heun
from .schedule import karras_sigmas

T = TypeVar("T")

# Thickness [m] of ice of which only volume (what is left in nearly open water is thick: a median
# of 2.3 m in the training simulation) or only area (new ice) was decoded. Powers of two, so that
# a value stays a real32.
REMNANT_THICKNESS, NEW_ICE_THICKNESS = 2.0, 0.125

# A latent has unit variance about its season, though elements that hardly vary in training reach
# some hundred. The networks would make quiet fields of anything, even of NaN: look at it before.
LARGEST_ANOMALY = 1e4

_LARGEST = 2**31 - 1  # a Fortran default integer


@dataclass(frozen=True)
class Request:
    """One ensemble member: `member` from 1, `seed` >= 0, Heun steps of the sampler.

    InvalidValueError names what is not a whole number in range.
    """

    member: int
    date: datetime.date
    seed: int = 1
    n_steps: int = 20

    def __post_init__(self) -> None:
        for name, least in (("member", 1), ("seed", 0), ("n_steps", 1)):
            value = getattr(self, name)
            whole = isinstance(value, Integral) and not isinstance(value, bool)
            if not whole or not least <= value <= _LARGEST:
                raise InvalidValueError(
                    f"{name} is {value!r}: it must be a whole number from {least} to {_LARGEST}"
                )


@dataclass(frozen=True, eq=False)
class Sample:
    """A projected state, what projection changed, in how many cells the decoder's area and volume
    had been completed before, and the seconds it all took."""

    state: State
    report: ProjectionReport
    cells_completed: int
    seconds: float


class Generator:
    """Latent diffusion from a checkpoint: same request, same bits."""

    def __init__(
        self, model: Model, manifest: dict[str, Any], sha256: str,
        device: str = "auto", threads: int = 1,
    ) -> None:  # fmt: skip
        if threads < 1:
            raise InvalidValueError(f"threads is {threads!r}: torch needs 1 or more")
        self.device = select_device(device)
        self.model = model
        for network in (model.autoencoder, model.denoiser):
            network.to(self.device, memory_format=torch.channels_last).requires_grad_(False)
        self.manifest = manifest
        self.checkpoint_sha256 = sha256
        self.threads = threads

    @classmethod
    def load(
        cls, name_or_path: str | Path = "default", device: str = "auto", threads: int = 1
    ) -> Generator:
        """A checkpoint that ships with the package, or a path.

        CheckpointError if it is not sound.
        """
        checkpoint = read_checkpoint(name_or_path, "generator")
        model = load_model(checkpoint)
        return cls(model, checkpoint.manifest, checkpoint.sha256, device, threads)

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
        """One member. Its batch is always 1, so that no other member changes its bits.

        `before_evaluation` is called before each of the network's, and may raise to end the work.

        GeneratedStateError if what comes out is no sea ice.
        """
        start = time.perf_counter()
        noise = gaussian(
            self.model.autoencoder.latent_shape,
            seed=request.seed, member=request.member, date=request.date,
        )  # fmt: skip
        with torch.inference_mode(), reproducible(self.threads):
            latent = self._denoise(noise, request, before_evaluation)
            fields = self.model.autoencoder.decode(latent)[0].cpu().numpy()
        decoded, completed = _accepted(lambda: joint_state(fields, self.names, self.grid))
        state, report = _accepted(lambda: project(decoded))
        return Sample(state, report, completed, time.perf_counter() - start)

    def generate(
        self, members: int | Iterable[int] = 16, seed: int = 1,
        date: int | str | datetime.date = "2018-03-01", n_steps: int = 20,
    ) -> Ensemble:  # fmt: skip
        """Members 1 to `members`, or those numbered. Member k is the same in any company."""
        day, numbers = parse_date(date), _member_numbers(members)
        requests = [Request(k, day, seed, n_steps) for k in numbers]
        states = [self.sample(request).state for request in requests]
        return Ensemble.from_states(states, numbers, day, self.provenance(seed, n_steps))

    def provenance(self, seed: int, n_steps: int) -> dict[str, Any]:
        """What a file should say of its origin."""
        from .. import __version__

        return {
            "source": f"esm_coupler {__version__}, latent diffusion, torch {torch.__version__}",
            "checkpoint_sha256": self.checkpoint_sha256,
            "seed": seed, "n_steps": n_steps, "batch": 1, "threads": self.threads,
            "device": str(self.device), "reproducible": "true",
        }  # fmt: skip

    def _denoise(
        self, noise: np.ndarray, request: Request, before_evaluation: Callable[[], None]
    ) -> torch.Tensor:
        """Unit noise (channel, y, x) float64 -> latent (1, channel, y, x) float32."""
        denoiser = self.model.denoiser
        day = torch.tensor([float(request.date.timetuple().tm_yday)], device=self.device)

        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            before_evaluation()
            level = torch.full((1,), sigma, device=self.device)
            return denoiser(x.float(), level, day).double()

        # The sampler's own sums are float64; only the network is float32.
        start = torch.from_numpy(noise)[None].to(self.device)
        anomaly = heun(denoise, start, karras_sigmas(request.n_steps).tolist())
        _check_anomaly(anomaly)
        return denoiser.normalisation.inverse(anomaly.float(), day)


def _check_anomaly(anomaly: torch.Tensor) -> None:
    """GeneratedStateError unless all is finite and within what a latent can be."""
    largest = float(anomaly.abs().max())  # NaN if any is
    if not largest <= LARGEST_ANOMALY:
        raise GeneratedStateError(
            f"the sampler went astray: its latent reaches {largest:.3g} standard deviations, at "
            f"most {LARGEST_ANOMALY:g} is possible; try another member, or device = 'cpu'"
        )


def _accepted(make: Callable[[], T]) -> T:
    """What a check lets pass that does not know whose the state is: here the generator's own."""
    try:
        return make()
    except InvalidValueError as error:
        raise GeneratedStateError(f"the generator's own state is refused: {error}") from error


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
