"""The state that a checkpoint can give without sampling: the seasonal mean of its training."""

from __future__ import annotations

import copy
import datetime

import torch

from ..state import State
from .device import reproducible
from .generator import joint_state
from .model import Model
from .projection import ProjectionReport, project


class Climatology:
    """The mean latent of a day (`LatentNormalisation.mean`), decoded and projected.

    Its copies of the decoder and of the seasonal cycle stay on the CPU, so that it can still be
    had where sampler or GPU have failed.
    """

    def __init__(self, model: Model, threads: int = 1) -> None:
        self._autoencoder = copy.deepcopy(model.autoencoder).cpu()
        self._season = copy.deepcopy(model.denoiser.normalisation).cpu()
        self._names, self._grid, self._threads = model.names, model.grid, threads

    def state(self, date: datetime.date) -> tuple[State, ProjectionReport]:
        """The state of a day, the same for every member, and what projection changed."""
        day = torch.tensor([float(date.timetuple().tm_yday)])
        with torch.inference_mode(), reproducible(self._threads):
            fields = self._autoencoder.decode(self._season.mean(day))[0].numpy()
        decoded, _ = joint_state(fields, self._names, self._grid)
        return project(decoded)
