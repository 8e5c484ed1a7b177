"""One training on several processes, as torchrun starts them: each takes its share of every
batch, and all take the same step."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, distributed
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from ..errors import ConfigError
from ..generator.device import select_device


@dataclass(frozen=True)
class Ranks:
    """This process among `size` of them; alone unless `joined` has brought them together."""

    rank: int = 0
    size: int = 1

    @classmethod
    def current(cls) -> Ranks:
        if not (distributed.is_available() and distributed.is_initialized()):
            return cls()
        return cls(distributed.get_rank(), distributed.get_world_size())

    @property
    def is_first(self) -> bool:
        """The one that writes and speaks."""
        return self.rank == 0

    def share(self, batch: Tensor) -> Tensor:
        """This rank's part (batch / size, ...) of a batch (batch, ...)."""
        return batch.chunk(self.size)[self.rank]

    def noise(self) -> AbstractContextManager[object]:
        """Within it, random numbers of a share are those that one process would draw for it."""
        return nullcontext() if self.size == 1 else _NoiseOfShare(self)

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replace each by its mean over the ranks, in one message."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        distributed.all_reduce(flat)
        pieces = (flat / self.size).split([tensor.numel() for tensor in tensors])
        for tensor, piece in zip(tensors, pieces, strict=True):
            tensor.copy_(piece.view(tensor.shape))

    def of_first(self, value: float, device: torch.device) -> float:
        """The first rank's value, such as the time, on which all must agree."""
        if self.size == 1:
            return value
        agreed = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(agreed, src=0)
        return float(agreed)


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Bring together what torchrun started, each on a GPU of its own if `device` is one.

    ConfigError if a node has more processes than GPUs.
    """
    if not distributed.is_torchelastic_launched():
        yield Ranks()
        return
    on_gpu = select_device(device).type == "cuda"
    if on_gpu:
        _take_gpu(int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]))
    distributed.init_process_group("nccl" if on_gpu else "gloo")
    yield Ranks.current()
    # Not after an error: others may be waiting, and torchrun ends them. Together, because a process
    # whose peers end while it still uses their store can abort on its way out.
    distributed.barrier()
    distributed.destroy_process_group()


def _take_gpu(local_rank: int, local_size: int) -> None:
    n_gpus = torch.cuda.device_count()
    if local_size > n_gpus:
        raise ConfigError(
            f"torchrun started {local_size} processes on a node with {n_gpus} GPUs: give it "
            f"--nproc_per_node={n_gpus}, or set device = 'cpu' in &training_nml"
        )
    torch.cuda.set_device(local_rank)


class _NoiseOfShare(TorchFunctionMode):
    """Draws for the whole batch and keeps this rank's share, so that a training does not depend
    on the number of processes."""

    def __init__(self, ranks: Ranks) -> None:
        super().__init__()
        self._ranks = ranks

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        size, options = self._ranks.size, kwargs or {}
        if function in (torch.randn, torch.rand):
            first, *others = args[0] if isinstance(args[0], Sequence) else args
            return self._ranks.share(function(first * size, *others, **options))
        if function in (torch.randn_like, torch.rand_like):
            return self._ranks.share(function(torch.cat([args[0]] * size), **options))
        if function is F.dropout:
            return self._dropout(*args, **options)
        return function(*args, **options)

    def _dropout(
        self, x: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        kept = F.dropout(torch.cat([torch.ones_like(x)] * self._ranks.size), p, training)
        return x * self._ranks.share(kept)


def check_batch(batch: int, ranks: Ranks) -> None:
    """ConfigError unless every rank gets an equal share of a batch."""
    if batch % ranks.size:
        raise ConfigError(
            f"training_nml: batch = {batch} is not divisible by the {ranks.size} processes that "
            f"share it: take {ranks.size * math.ceil(batch / ranks.size)}"
        )
