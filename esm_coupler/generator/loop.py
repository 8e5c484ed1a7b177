"""A whole sampling loop as one thing that can be repeated: by calling it, or as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

Run = Callable[..., Tensor]  # of tensors only, always of the same shapes


class PlainLoop:
    """Calls `run` each time."""

    def __init__(self, run: Run, inputs: Sequence[Tensor]) -> None:
        self._run = run

    def __call__(self, *inputs: Tensor) -> Tensor:
        return self._run(*inputs)


class GraphLoop:
    """Records all kernels of `run` once, as one CUDA graph, and launches them together: small
    networks spend their time on launches. Shapes are those of `inputs`, for good."""

    _WARM_UP = 2  # runs before, in which cuDNN and cuBLAS choose and reserve what they need

    def __init__(self, run: Run, inputs: Sequence[Tensor]) -> None:
        self._inputs = [tensor.clone() for tensor in inputs]
        using, aside = torch.cuda.current_stream(), torch.cuda.Stream()
        aside.wait_stream(using)
        with torch.cuda.stream(aside):
            for _ in range(self._WARM_UP):
                run(*self._inputs)
        using.wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        # A host may use CUDA from threads of its own meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._output = run(*self._inputs)

    def __call__(self, *inputs: Tensor) -> Tensor:
        for mine, given in zip(self._inputs, inputs, strict=True):
            mine.copy_(given, non_blocking=True)
        self._graph.replay()
        return self._output.clone()


class Loops:
    """The loop of each latent that was used last, made anew where something else is asked for."""

    def __init__(self, kind: Callable[[Run, Sequence[Tensor]], Run]) -> None:
        """`kind`: GraphLoop, or PlainLoop."""
        self._kind = kind
        self._loops: dict[int, tuple[Any, Run]] = {}

    def run(self, stage: int, settings: Any, run: Run, inputs: Sequence[Tensor]) -> Tensor:
        """`run(*inputs)`, where `settings` is all else that it depends on."""
        key = settings, tuple(tensor.shape for tensor in inputs)
        if stage not in self._loops or self._loops[stage][0] != key:
            self._loops.pop(stage, None)  # its memory goes before the next one takes some
            self._loops[stage] = key, self._kind(run, inputs)
        return self._loops[stage][1](*inputs)
