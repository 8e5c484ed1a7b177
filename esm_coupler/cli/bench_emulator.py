"""`esm-coupler bench emulator`: what a simulated day costs, over the network that makes it."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from .bench import Bar, report
from .progress import with_bar
from .sampler_run import PeakMemory, interleaved

if TYPE_CHECKING:
    from ..generator.emulator import Emulator, StepRequest
    from ..state import State

DATE = datetime.date(2000, 3, 1)
# A day of the CICE 6 that the shipped emulator learned from, on one core of this kind: 1.2 s
MOST_SECONDS = 0.12


def emulator(
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON too.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="Name or path of the checkpoint.")] = "emulator",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    batches: Annotated[str, typer.Option(help="Members at a time.")] = "1,4,16",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each number is a median.")] = 15,
) -> None:
    """Time a day of the emulator beside its bare network, for several batches.

    \b
    Example:
      esm-coupler bench emulator --batches 1,10 --json emulator.json
    """
    from ..generator.emulator import Emulator

    ready = Emulator.load(checkpoint, device, threads)
    sizes = [int(size) for size in batches.split(",")]
    numbers = run_emulator_bench(ready, sizes, rounds)
    title = f"The emulator, medians of {rounds} rounds on {numbers['device']}, {threads} threads"
    first = numbers["batches"][str(sizes[0])]
    bars = [
        Bar(f"a day of a member, batch {sizes[0]}", first["seconds_a_day"], MOST_SECONDS, "s")
    ]
    report(title, numbers, bars, _lines(numbers), json_file)


def run_emulator_bench(ready: Emulator, sizes: list[int], rounds: int) -> dict[str, Any]:
    """Per batch: seconds a day and member, over the bare network's, and peak memory."""
    import torch

    numbers: dict[str, Any] = {
        "checkpoint_sha256": ready.checkpoint_sha256, "device": str(ready.device),
        "threads": ready.threads, "torch": torch.__version__, "rounds": rounds, "batches": {},
    }  # fmt: skip
    for size in with_bar(sizes, "batches"):
        step, bare = _step(ready, size), _bare(ready, size)
        with PeakMemory(ready.device) as memory:
            times = interleaved({"step": step, "bare": bare}, rounds, ready.device)
        whole, network = (median(times[name]) / size for name in ("step", "bare"))
        numbers["batches"][str(size)] = {
            "seconds_a_day": whole, "days_a_second": 1 / whole, "over_bare": whole / network,
            "peak_memory_mib": memory.mib,
        }  # fmt: skip
    return numbers


def _start(ready: Emulator, size: int) -> tuple[list[State], np.ndarray, list[StepRequest]]:
    """States of half cover, forcing and requests: what is in them takes no other time."""
    from ..generator.emulator import StepRequest
    from ..state import State

    ocean = ready.grid.mask.astype("f8")
    state = np.stack([0.5 * ocean, ocean, 0.1 * ocean, 0 * ocean, 0 * ocean])
    states = [State(state, ready.names, ready.grid)] * size
    forcing = np.stack([260 * ocean, 3 * ocean, -2 * ocean])
    return states, forcing, [StepRequest(member, DATE) for member in range(1, size + 1)]


def _step(ready: Emulator, size: int) -> Callable[[], Any]:
    states, forcing, requests = _start(ready, size)
    return lambda: ready.steps(states, forcing, forcing, requests)


def _bare(ready: Emulator, size: int) -> Callable[[], Any]:
    """The network alone, without noise to draw, checks and projection."""
    import torch

    from ..generator.device import reproducible

    states, _, _ = _start(ready, size)
    values = torch.from_numpy(np.stack([state.values for state in states])).to(ready.device)
    ny, nx = (n // 2 for n in ready.grid.shape)
    forcing = torch.zeros(size, 6, ny, nx, device=ready.device)
    days = torch.full((size,), 60, device=ready.device)
    noise = tuple(torch.randn(size, *s).to(ready.device) for s in ready.network.noise_shapes)

    def run() -> Any:
        with torch.inference_mode(), reproducible(ready.threads):
            return ready.network(values, forcing, days, noise)

    return run


def _lines(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (
            f"batch {size}",
            f"{found['seconds_a_day']:.3g} s a day and member, {found['over_bare']:.3g} of the bare "
            f"network, {found['peak_memory_mib']:.0f} MiB",
        )
        for size, found in numbers["batches"].items()
    ]
