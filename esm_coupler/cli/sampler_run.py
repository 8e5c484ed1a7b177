"""One sampler run, timed beside the bare network and its rival in diffusers."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from .rivals import rivals

if TYPE_CHECKING:
    import torch

    from ..generator.generator import Generator
    from ..generator.sampler import Denoise

DATE = datetime.date(1990, 3, 1)
BATCHES = (1, 16)


class Run:
    """One sampler with `steps` steps, on the network for the (first) latent of a generator."""

    def __init__(self, generator: Generator, name: str, steps: int) -> None:
        from ..generator.generator import Request

        self.generator = generator
        self.network = generator.model.denoisers[0]
        self.name = name
        self.requests = [Request(k + 1, DATE, 1, steps, name) for k in range(max(BATCHES))]

    def ratios(self, rounds: int) -> dict[str, Any]:
        """What sampling costs over the bare network, and over diffusers; batch 1."""
        ways: dict[str, Callable[[], object]] = {
            "bare": self.bare_evaluations(), "ours": lambda: self._sample(1),
        }  # fmt: skip
        rival, run_rival = rivals().get(self.name, (None, None))
        if run_rival is not None:
            ways["rival"] = lambda: self._sample_with(run_rival)
        times = interleaved(ways, rounds, self.generator.device)
        nfe = self.requests[0].nfe[0]
        found = {"nfe": nfe, "over_bare": ratio(times["ours"], times["bare"]),
                 "seconds_an_evaluation": median(times["bare"]) / nfe}  # fmt: skip
        if rival is not None:
            found |= {"rival": rival, "over_rival": ratio(times["ours"], times["rival"])}
        return found

    def states(self, rounds: int) -> dict[str, dict[str, float]]:
        """Wall-clock cost of decoded states, by batch."""
        found = {}
        for batch in BATCHES:
            with PeakMemory(self.generator.device) as memory:
                seconds = median(self._wall(batch) for _ in range(max(1, rounds // batch)))
            found[str(batch)] = {"seconds_a_state": seconds / batch,
                                 "states_a_second": batch / seconds,
                                 "peak_memory_mib": memory.mib}  # fmt: skip
        return found

    def _wall(self, batch: int) -> float:
        start = time.perf_counter()
        self.generator.model.space.fields(self.generator.latents(self.requests[:batch])).cpu()
        return time.perf_counter() - start

    def _days(self, batch: int) -> torch.Tensor:
        import torch

        return torch.full((batch,), float(DATE.timetuple().tm_yday), device=self.generator.device)

    def _denoise(self, batch: int) -> Denoise:
        from ..generator.sampler import denoise_on

        return denoise_on(self.network, self._days(batch))

    def _levels(self) -> list[float]:
        from ..generator.schedule import karras_sigmas

        return karras_sigmas(self.requests[0].n_steps).tolist()

    def _noise(self, batch: int, draw: int = 0) -> torch.Tensor:
        """As the generator draws it, (batch, channel, y, x) float64."""
        import torch

        shape = self.generator.model.space.shapes[0]
        each = [request.noise(shape, 0, draw) for request in self.requests[:batch]]
        return torch.cat(each).to(self.generator.device)

    def _sample(self, batch: int) -> torch.Tensor:
        from ..generator.sampler import SAMPLERS

        return SAMPLERS[self.name](
            self._denoise(batch), self._noise(batch), self._levels(),
            lambda draw: self._noise(batch, draw), self.requests[0].churn,
        )  # fmt: skip

    def _sample_with(self, rival: Callable[..., torch.Tensor]) -> torch.Tensor:
        """Under diffusers, from torch's own noise, all in float32."""
        import torch

        shape = (1, *self.generator.model.space.shapes[0])
        noise = torch.randn(shape, device=self.generator.device)
        return rival(self._denoise(1), noise, self._levels(), self.requests[0].churn)

    def bare_evaluations(self) -> Callable[[], object]:
        """The network as often as the sampler calls it, on inputs that are ready."""
        denoiser, x, days = self.network, self._noise(1).float(), self._days(1)
        positive = cycle(self._levels()[:-1])
        levels = [x.new_full((1,), next(positive)) for _ in range(self.requests[0].nfe[0])]
        return lambda: [denoiser(x, level, days) for level in levels][-1]


def interleaved(
    ways: dict[str, Callable[[], object]], rounds: int, device: torch.device
) -> dict[str, list[float]]:
    """Seconds of each way in each round, after one round to warm up.

    On a CPU these are seconds of this process, into which other programs don't enter.
    """
    import torch

    def seconds(run: Callable[[], object]) -> float:
        on_gpu = device.type == "cuda"
        clock = time.perf_counter if on_gpu else time.process_time
        start = clock()
        run()
        if on_gpu:
            torch.cuda.synchronize()
        return clock() - start

    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, run in ways.items():
            times[name].append(seconds(run))
    return {name: each[1:] for name, each in times.items()}


class PeakMemory:
    """Most memory in use inside a with block, in `mib`: of the process, or on its GPU."""

    mib: float

    def __init__(self, device: torch.device) -> None:
        self._on_gpu = device.type == "cuda"

    def __enter__(self) -> PeakMemory:
        import torch

        if self._on_gpu:
            torch.cuda.reset_peak_memory_stats()
        else:
            Path("/proc/self/clear_refs").write_text("5")  # Linux: begin VmHWM anew
        return self

    def __exit__(self, *exception: object) -> None:
        import torch

        if self._on_gpu:
            self.mib = torch.cuda.max_memory_allocated() / 2**20
            return
        status = Path("/proc/self/status").read_text().splitlines()
        (line,) = (line for line in status if line.startswith("VmHWM"))
        self.mib = int(line.split()[1]) / 2**10


def ratio(times: list[float], others: list[float]) -> float:
    """Median over the rounds, each within itself."""
    return median(a / b for a, b in zip(times, others, strict=True))
