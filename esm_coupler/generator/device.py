"""Where torch computes, and the settings under which it gives the same bits each time."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from ..errors import ConfigError

DEVICES = ("auto", "cpu", "cuda")


def select_device(name: str, gpu: int | None = None) -> torch.device:
    """'auto' takes a GPU if there is one; `gpu` is its number, None for torch's own choice.

    ConfigError for 'cuda' without a GPU, for a number that torch does not have, for other names.
    """
    if name not in DEVICES:
        raise ConfigError(f"device is '{name}': choose from {', '.join(DEVICES)}")
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise ConfigError(
            "device = 'cuda': torch sees no GPU here (driver, CUDA_VISIBLE_DEVICES, or a CPU "
            "build of torch): use 'auto' or 'cpu'"
        )
    if name == "cpu" or not available:
        return torch.device("cpu")
    if gpu is None:
        return torch.device("cuda")
    if gpu >= torch.cuda.device_count():
        raise ConfigError(
            f"this rank's share is GPU {gpu}, counted from 0, and torch sees "
            f"{torch.cuda.device_count()}: set CUDA_VISIBLE_DEVICES (where GPUs are cut by MIG, to "
            "the UUIDs of the instances), or ranks_per_gpu and generator_ranks = 1"
        )
    return torch.device("cuda", gpu)


def device_name(device: torch.device) -> str:
    """What its bits depend on: 'cpu', or 'cuda' with the kind of GPU, whichever its number."""
    if device.type == "cpu":
        return "cpu"
    return f"cuda ({torch.cuda.get_device_name(device)})"


@contextmanager
def only_visible(gpu: str) -> Iterator[None]:
    """For the start of CUDA, which shows a process one MIG instance only, the first in the list:
    name ours alone. Afterwards the environment, which is the host's, is as it was."""
    before = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    try:
        yield
    finally:
        if before is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = before


def hardware(device: torch.device) -> str:
    """What computes, for the record: the GPU, or the processor with the threads of torch."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{processor()}, {torch.get_num_threads()} thread(s)"


def processor() -> str:
    """Its name as Linux knows it, or the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


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
