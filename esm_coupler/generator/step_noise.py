"""The noise of a step of the emulator: one half is new each day, the other lasts.

What an emulator does not know of a sea-ice model, such as its thickness categories, it does not
know tomorrow either: errors last, and so does half of the noise, as a mean over the days before. It
is a function of (seed, member, date) as all noise (noise.py): nothing has to be kept for a restart.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from .noise import gaussian

Shape = tuple[int, int, int]
FIRST_DRAW = 2**48  # no latent of a generator has draws of such numbers


def step_noise(
    shapes: Sequence[Shape], memory: int, *, seed: int, member: int, date: datetime.date
) -> tuple[Tensor, ...]:
    """Unit noise (1, channel, y, x) float32 of each shape for the step that begins at `date`."""
    return tuple(
        torch.from_numpy(_level(shape, memory, FIRST_DRAW + level, seed, member, date))[None]
        for level, shape in enumerate(shapes)
    )


def _level(
    shape: Shape, memory: int, draw: int, seed: int, member: int, date: datetime.date
) -> np.ndarray:
    half = (shape[0] // 2, *shape[1:])
    new = gaussian(half, seed=seed, member=member, date=date, draw=draw)
    lasting = np.zeros(half)
    for age in range(memory):
        lasting += _part(half, seed, member, _days_before(date, age), draw + 2**32)
    return np.concatenate([new, lasting / math.sqrt(memory)]).astype(np.float32)


@lru_cache(maxsize=1024)
def _part(shape: Shape, seed: int, member: int, date: datetime.date, draw: int) -> np.ndarray:
    """What one day adds to the lasting noise of many: it is drawn once, as long as it is kept."""
    return gaussian(shape, seed=seed, member=member, date=date, draw=draw)


def _days_before(date: datetime.date, age: int) -> datetime.date:
    """Before year 1, in which many a model starts, comes year 9999: noise needs other days, not
    earlier ones."""
    last = datetime.date.max.toordinal()
    return datetime.date.fromordinal((date.toordinal() - age - 1) % last + 1)


def training_noise(
    shapes: Sequence[Shape], memory: int, samples: int, days: int
) -> list[tuple[Tensor, ...]]:
    """The same for `samples` members on `days` days in a row, from torch's own generator:
    (sample, channel, y, x) of each shape, a tuple for each day."""
    levels = [_run(shape, memory, samples, days) for shape in shapes]
    return [tuple(level[day] for level in levels) for day in range(days)]


def _run(shape: Shape, memory: int, samples: int, days: int) -> Tensor:
    half = (samples, shape[0] // 2, *shape[1:])
    new = torch.randn(days, *half)
    daily = torch.randn(days + memory - 1, *half)
    sums = daily.cumsum(dim=0)
    sums = sums[memory - 1 :] - torch.cat([torch.zeros_like(sums[:1]), sums[: days - 1]])
    return torch.cat([new, sums / math.sqrt(memory)], dim=2)
