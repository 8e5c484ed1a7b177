"""`esm-coupler bench device`: how well a device is used, batch by batch."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import InvalidValueError
from .bench import report
from .progress import with_bar
from .sampler_run import DATE, PeakMemory

if TYPE_CHECKING:
    import torch

    from ..generator.generator import Generator, Request

_SIDES = {"cuda": 8192, "cpu": 1024}  # of the square matrices whose product is taken for the peak


def device(
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON too.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="Name or path of the checkpoint.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    precision: Annotated[str, typer.Option(help="fp32 or bf16.")] = "fp32",
    cuda_graph: Annotated[bool, typer.Option("--cuda-graph", help="As in &generator_nml.")] = False,
    steps: Annotated[int, typer.Option(min=2, help="n_steps of heun.")] = 20,
    batches: Annotated[str, typer.Option(help="Members at a time.")] = "1,4,16,64",
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each number is a median.")] = 5,
) -> None:
    """States a second, share of the device's peak and peak memory for several batches.

    The peak is that of a large matrix product in the same precision, in the same run.

    \b
    Example:
      esm-coupler bench device --precision bf16 --cuda-graph --json device.json
    """
    from ..generator.generator import Generator

    sizes = _sizes(batches)
    generator = Generator.load(
        checkpoint, device, threads, precision=precision, cuda_graph=cuda_graph
    )
    numbers = run_device_bench(generator, sizes, steps, rounds) | {"cuda_graph": cuda_graph}
    title = f"{precision}, {steps} steps, medians of {rounds} rounds on {numbers['device']}"
    report(title, numbers, [], _lines(numbers), json_file)


def _sizes(text: str) -> list[int]:
    """The batches of a list such as '1,4'; InvalidValueError for what is none."""
    try:
        sizes = [int(word) for word in text.split(",")]
    except ValueError:
        sizes = []
    if not sizes or min(sizes) < 1:
        raise InvalidValueError(f"--batches is '{text}': give numbers from 1, such as 1,4,16,64")
    return sizes


def run_device_bench(
    generator: Generator, batches: list[int], steps: int, rounds: int
) -> dict[str, Any]:
    """FLOPs of a state, the peak [FLOP/s], and the cost of each batch."""
    import torch

    from ..generator.device import device_name, reproducible
    from ..generator.generator import Request

    requests = [Request(k + 1, DATE, 1, steps) for k in range(max(batches))]
    flops = flops_of_a_state(generator, requests[0])
    with reproducible(generator.threads):
        peak = peak_flops(generator.device, generator.precision)
    numbers = {
        "checkpoint_sha256": generator.checkpoint_sha256, "device": device_name(generator.device),
        "precision": generator.precision, "threads": generator.threads,
        "torch": torch.__version__, "steps": steps, "rounds": rounds,
        "flops_of_a_state": flops, "peak_flops": peak, "batches": {},
    }  # fmt: skip
    for batch in with_bar(batches, "batches"):
        with PeakMemory(generator.device) as memory:
            seconds = _seconds(lambda: generator.samples(requests[:batch]), rounds)  # noqa: B023
        numbers["batches"][str(batch)] = {
            "states_a_second": batch / seconds,
            "share_of_peak": flops * batch / seconds / peak,
            "peak_memory_mib": memory.mib,
        }
    return numbers


def flops_of_a_state(generator: Generator, request: Request) -> int:
    """Floating-point operations of convolutions and matrix products, from noise to fields."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from ..generator.latents import LatentSampler
    from ..generator.transfer import Transfer

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        # Without a graph, whose replay nobody can look into.
        latents = LatentSampler(generator.model, Transfer(generator.device))
        generator.model.space.fields(latents.sample([request], lambda: None))
    return counter.get_total_flops()


def peak_flops(device: torch.device, precision: str) -> float:
    """FLOP/s of a large matrix product, the best of several."""
    import torch

    kind = torch.bfloat16 if precision == "bf16" else torch.float32
    side = _SIDES[device.type]
    a = torch.ones(side, side, dtype=kind, device=device)

    def product() -> None:
        a @ a
        if device.type == "cuda":
            torch.cuda.synchronize(device)

    return 2 * side**3 / min(_times(product, 5))


def _seconds(run: Callable[[], object], rounds: int) -> float:
    """Median wall-clock time, after one round to warm up."""
    return median(_times(run, rounds))


def _times(run: Callable[[], object], rounds: int) -> list[float]:
    times = []
    for _ in range(rounds + 1):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return times[1:]


def _lines(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """What is told of a run, in lines of the table."""
    gflop, peak = numbers["flops_of_a_state"] / 1e9, numbers["peak_flops"] / 1e12
    lines = [("a state", f"{gflop:.4g} GFLOP"), ("peak", f"{peak:.4g} TFLOP/s")]
    for batch, cost in numbers["batches"].items():
        text = f"{cost['states_a_second']:.3g} states/s, {cost['share_of_peak']:.1%} of peak"
        lines.append((f"batch {batch}", f"{text}, {cost['peak_memory_mib']:.0f} MiB"))
    return lines
