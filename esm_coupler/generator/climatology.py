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
    """The mean latents of a day (`LatentNormalisation.mean`), decoded and projected.

    Its copies of the space and of the seasonal cycles stay on the CPU, so that it can still be
    had where sampler or GPU have failed.
    """

    def __init__(self, model: Model, threads: int = 1) -> None:
        self._space = copy.deepcopy(model.space).cpu()
        self._seasons = [copy.deepcopy(d.normalisation).cpu() for d in model.denoisers]
        self._names, self._grid, self._threads = model.names, model.grid, threads

    def state(self, date: datetime.date) -> tuple[State, ProjectionReport]:
        """The state of a day, the same for every member, and what projection changed."""
        day = torch.tensor([float(date.timetuple().tm_yday)])
        with torch.inference_mode(), reproducible(self._threads):
            means = tuple(season.mean(day) for season in self._seasons)
            fields = self._space.fields(means)[0].numpy()
        decoded, _ = joint_state(fields, self._names, self._grid)
        return project(decoded)
