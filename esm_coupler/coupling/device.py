"""Where the generator lives: which rank holds it, which torch device, how many threads."""

from __future__ import annotations

import os

from ..errors import ConfigError

# One rank holds the generator; the others gather to it and never import torch.
GENERATOR_RANK = 0


def choose_device(wanted: str) -> str:
    """'cpu' or 'cuda' for 'auto', 'cpu' or 'cuda'; ConfigError for a GPU that is not there.

    torch numbers only the GPUs that CUDA_VISIBLE_DEVICES leaves, so 'cuda' is the first of those.
    """
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "auto":
        return "cpu"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "not set")
    raise ConfigError(
        f"device = '{wanted}' in &generator_nml, but torch {torch.__version__} finds no GPU on "
        f"{os.uname().nodename} (CUDA_VISIBLE_DEVICES is {visible}): use device = 'auto' or 'cpu'"
    )


def limit_threads(threads: int) -> None:
    """Hold torch to `threads` threads of its own pool and one between operations.

    Set before every use: the bridge gives the OpenMP setting back to the host after each call.
    """
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != 1:
        torch.set_num_interop_threads(1)


def release_device() -> None:
    """Give cached GPU memory back, once all work on it is done."""
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
