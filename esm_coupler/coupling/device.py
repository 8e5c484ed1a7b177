"""Where the generator lives: on which rank, and what torch may use there."""

from __future__ import annotations

# One rank holds the generator; the others gather to it and never import torch. The device is
# that of &generator_nml: torch numbers only the GPUs that CUDA_VISIBLE_DEVICES leaves.
GENERATOR_RANK = 0


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
