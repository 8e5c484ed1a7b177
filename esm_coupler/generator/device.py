"""Where torch computes, and the settings under which it gives the same bits each time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ..errors import ConfigError

DEVICES = ("auto", "cpu", "cuda")


def select_device(name: str) -> torch.device:
    """'auto' takes a GPU if there is one; ConfigError for 'cuda' without one or another name."""
    if name not in DEVICES:
        raise ConfigError(f"device is '{name}': choose from {', '.join(DEVICES)}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError(
            "device = 'cuda': torch sees no GPU here (driver, CUDA_VISIBLE_DEVICES, or a CPU "
            "build of torch): use 'auto' or 'cpu'"
        )
    return torch.device("cuda" if name != "cpu" and available else "cpu")


@contextmanager
def reproducible(threads: int) -> Iterator[None]:
    """Fixed number of threads, no TF32, no algorithm chosen by timing; restored afterwards.

    Network output differs by round-off with threads and batch, so both are fixed.
    """
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = torch.get_num_threads(), cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32
    tf32 = matmul.allow_tf32
    try:
        torch.set_num_threads(threads)
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = True, False, False
        matmul.allow_tf32 = False
        yield
    finally:
        torch.set_num_threads(before[0])
        _, cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32 = before
        matmul.allow_tf32 = tf32
