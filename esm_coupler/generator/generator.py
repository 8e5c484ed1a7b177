"""The engine behind all three doors: a request in, a bounded sea-ice state out."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import InvalidValueError
from ..fields import DRIFT
from ..grid import Grid
from ..state import Ensemble, State, parse_date
from .checkpoint import read_checkpoint
from .device import reproducible, select_device
from .model import Model, load_model
from .noise import gaussian
from .projection import ProjectionReport, project
from .sampler import heun
from .schedule import karras_sigmas


@dataclass(frozen=True)
class Request:
    """One ensemble member: `member` from 1, `seed` >= 0, Heun steps of the sampler."""

    member: int
    date: datetime.date
    seed: int = 1
    n_steps: int = 20

    def __post_init__(self) -> None:
        for name, least in (("member", 1), ("seed", 0), ("n_steps", 1)):
            value = getattr(self, name)
            if value < least:
                raise InvalidValueError(f"{name} is {value}: it must be {least} or more")


@dataclass(frozen=True, eq=False)
class Sample:
    """A projected state, what projection changed, and the seconds it all took."""

    state: State
    report: ProjectionReport
    seconds: float


class Generator:
    """Latent diffusion from a checkpoint: same request, same bits."""

    def __init__(
        self, model: Model, manifest: dict[str, Any], sha256: str,
        device: str = "auto", threads: int = 1,
    ) -> None:  # fmt: skip
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
        """A checkpoint that ships with the package, or a path; CheckpointError if it is not sound."""
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

    def sample(self, request: Request) -> Sample:
        """One member. Its batch is always 1, so that no other member changes its bits."""
        start = time.perf_counter()
        noise = gaussian(
            self.model.autoencoder.latent_shape,
            seed=request.seed, member=request.member, date=request.date,
        )  # fmt: skip
        with torch.inference_mode(), reproducible(self.threads):
            latent = self._denoise(noise, request)
            fields = self.model.autoencoder.decode(latent)[0].cpu().numpy()
        state, report = project(joint_state(fields, self.names, self.grid))
        return Sample(state, report, time.perf_counter() - start)

    def generate(
        self, members: int | Iterable[int] = 16, seed: int = 1,
        date: int | str | datetime.date = "2018-03-01", n_steps: int = 20,
    ) -> Ensemble:  # fmt: skip
        """Members 1 to `members`, or those numbered. Member k is the same in any company."""
        numbers = range(1, members + 1) if isinstance(members, int) else list(members)
        if not numbers:
            raise InvalidValueError(f"members is {members!r}: ask for 1 or more")
        day = parse_date(date)
        samples = [self.sample(Request(k, day, seed, n_steps)) for k in numbers]
        states = [sample.state for sample in samples]
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

    def _denoise(self, noise: np.ndarray, request: Request) -> torch.Tensor:
        """Unit noise (channel, y, x) float64 -> latent (1, channel, y, x) float32."""
        denoiser = self.model.denoiser
        day = torch.tensor([float(request.date.timetuple().tm_yday)], device=self.device)

        def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
            level = torch.full((1,), sigma, device=self.device)
            return denoiser(x.float(), level, day).double()

        # The sampler's own sums are float64; only the network is float32.
        start = torch.from_numpy(noise)[None].to(self.device)
        anomaly = heun(denoise, start, karras_sigmas(request.n_steps).tolist())
        return denoiser.normalisation.inverse(anomaly.float(), day)


def joint_state(fields: np.ndarray, names: tuple[str, ...], grid: Grid) -> State:
    """State of decoded fields (field, y, x), with ice only where area and volume agree on it.

    Each field is censored for itself; a cell is at the bound 'no ice' when any of them is.
    """
    values = fields.astype(np.float64)
    ice = np.logical_and.reduce([values[names.index(n)] > 0 for n in ("sic", "sit") if n in names])
    touched = grid.touched_by(ice)
    for index, name in enumerate(names):
        place = touched & grid.drift_mask if name in DRIFT else ice
        values[index] = np.where(place, values[index], 0.0)
    return State(values, names, grid)
