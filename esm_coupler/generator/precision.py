"""The precision in which a network multiplies."""

from __future__ import annotations

import torch

from .denoiser import Denoiser

PRECISIONS = ("fp32", "bf16")


def multiply_in_bf16(denoiser: Denoiser, device: torch.device) -> None:
    """From here on the network's products are bfloat16; what goes in and comes out, the denoised
    latent and the sampler's sums keep their precision."""
    network = denoiser.network
    # Nothing is trained, so casts would be kept for nothing, and a CUDA graph must not see them.
    bf16 = torch.autocast(device.type, torch.bfloat16, cache_enabled=False)
    network.forward = bf16(network.forward)
