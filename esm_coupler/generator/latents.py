"""From the noise of requests to their latents: one sampler run for each latent of the space."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..errors import GeneratedStateError
from .loop import GraphLoop, Loops
from .sampler import SAMPLERS, Denoise, Fresh, denoise_on
from .transfer import Transfer

if TYPE_CHECKING:
    from .request import Request
    from .model import Model

# A latent has unit variance about its season, though elements that hardly vary in training reach
# some hundred. The networks would make quiet fields of anything, even of NaN: look at it before.
LARGEST_ANOMALY = 1e4


class LatentSampler:
    """Samples on the device that the networks of a model are on."""

    def __init__(self, model: Model, transfer: Transfer, cuda_graph: bool = False) -> None:
        """`cuda_graph`: the run for a latent is one CUDA graph, if that device is a GPU."""
        self._model = model
        self._transfer = transfer
        self._loops = Loops(GraphLoop) if cuda_graph and transfer.is_on_gpu else None

    def sample(
        self, requests: Sequence[Request], before_evaluation: Callable[[], None]
    ) -> tuple[Tensor, ...]:
        """Latents (request, channel, y, x) float32 of requests that differ in nothing but seed and
        member. `before_evaluation` as of `Generator.sample`."""
        first = requests[0]
        day = torch.full((len(requests),), float(first.date.timetuple().tm_yday))
        days, latents = self._transfer.put(day), ()
        noise = self._noise(requests, 0)
        for stage, denoiser in enumerate(self._model.denoisers):
            context = self._model.space.context(latents)
            known = [days] if context is None else [days, context]
            sigmas = first.sigmas(stage).tolist()
            start = denoiser.gaussian.start(noise, sigmas[0], denoiser.sigma_data)
            anomaly = self._run(requests, stage, start, known, before_evaluation, sigmas)
            if stage + 1 < len(self._model.denoisers):  # drawn while a GPU is still at work
                noise = self._noise(requests, stage + 1)
            _check_anomaly(anomaly)
            anomaly = anomaly.float() * denoiser.gain
            latents = *latents, denoiser.normalisation.inverse(anomaly, days)
        return latents

    def around(
        self, request: Request, stage: int, coarser: tuple[Tensor, ...], anomaly: Tensor,
        sigmas: Sequence[float], sign: int, before_evaluation: Callable[[], None],
    ) -> Tensor:  # fmt: skip
        """What the latent of a stage (1, channel, y, x), normalised, becomes down `sigmas` after
        `sign` times the request's noise was added; `coarser` are the latents before it."""
        day = torch.full((1,), float(request.date.timetuple().tm_yday))
        context = self._model.space.context(coarser)
        days = self._transfer.put(day)
        known = [days] if context is None else [days, context]
        start = sign * self._noise([request], stage) + anomaly / sigmas[0]
        result = self._run([request], stage, start, known, before_evaluation, sigmas, sign)
        _check_anomaly(result)
        return result

    def _noise(self, requests: Sequence[Request], stage: int, draw: int = 0) -> Tensor:
        """Unit noise (request, channel, y, x) float64 on the device."""
        shape = self._model.space.shapes[stage]
        each = [request.noise(shape, stage, draw) for request in requests]
        return self._transfer.put(torch.cat(each))

    def _run(
        self, requests: Sequence[Request], stage: int, noise: Tensor, known: Sequence[Tensor],
        before_evaluation: Callable[[], None], sigmas: Sequence[float], sign: int = 1,
    ) -> Tensor:  # fmt: skip
        """Normalised latent of one stage down `sigmas`, where days, and the context if any, are
        `known`; fresh noise has this sign."""
        first, denoiser = requests[0], self._model.denoisers[stage]
        sampler = SAMPLERS[first.sampler]

        def fresh(draw: int) -> Tensor:
            return sign * self._noise(requests, stage, draw)

        def run(denoise: Denoise, noise: Tensor, fresh: Fresh) -> Tensor:
            return sampler(denoise, noise, sigmas, fresh, first.churn)

        if self._loops is None:
            return run(
                denoise_on(denoiser, *known, before_evaluation=before_evaluation), noise, fresh
            )
        # What differs from call to call goes in as tensors; the clock is looked at outside.
        before_evaluation()
        count = len(sigmas) - 1 if first.sampler == "stochastic" else 0
        draws = [fresh(draw) for draw in range(1, count + 1)]

        def graph(noise: Tensor, *others: Tensor) -> Tensor:
            known, draws = others[: len(others) - count], others[len(others) - count :]
            return run(denoise_on(denoiser, *known), noise, lambda draw: draws[draw - 1])

        settings = first.sampler, tuple(sigmas), first.churn
        return self._loops.run(stage, settings, graph, [noise, *known, *draws])


def _check_anomaly(anomaly: Tensor) -> None:
    """GeneratedStateError unless all is finite and within what a latent can be."""
    largest = float(anomaly.abs().max())  # NaN if any is
    if not largest <= LARGEST_ANOMALY:
        raise GeneratedStateError(
            f"the sampler went astray: its latent reaches {largest:.3g} standard deviations, at "
            f"most {LARGEST_ANOMALY:g} is possible; try another member, or device = 'cpu'"
        )
