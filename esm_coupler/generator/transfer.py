"""Between the host's memory and the device."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Transfer:
    """To a GPU through pinned memory, without waiting, on a stream of its own: noise is drawn and
    copied while the network computes. On the CPU nothing has to move."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    @property
    def is_on_gpu(self) -> bool:
        return self._stream is not None

    def put(self, tensor: Tensor) -> Tensor:
        """A tensor of the host on the device, for work that is queued from here on."""
        if self._stream is None:
            return tensor.to(self._device)
        using = torch.cuda.current_stream(self._device)
        with torch.cuda.stream(self._stream):
            moved = tensor.pin_memory().to(self._device, non_blocking=True)
        using.wait_stream(self._stream)
        moved.record_stream(using)
        return moved

    def take(self, tensor: Tensor) -> np.ndarray:
        """A tensor of the device, once it is computed, in the host's memory."""
        if self._stream is None:
            return tensor.cpu().numpy()
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        pinned.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self._device).synchronize()
        return pinned.numpy()
