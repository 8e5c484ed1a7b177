"""`esm-coupler bench sampler`: what the samplers cost over the network that they call."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .bench import Bar, report
from .progress import with_bar
from .rivals import HOW_TO_INSTALL, rivals
from .sampler_run import Run, interleaved, ratio

if TYPE_CHECKING:
    from ..generator.generator import Generator

OVERHEAD = 1.03
# "not slower" than diffusers, within what a repetition of the same run differs by
NOT_SLOWER = 1.01


def sampler(
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON too.")
    ] = None,
    checkpoint: Annotated[str, typer.Option(help="Name or path of the checkpoint.")] = "default",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch.")] = 1,
    steps: Annotated[int, typer.Option(min=2, help="n_steps of each sampler.")] = 20,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each number is a median.")] = 7,
    compile: Annotated[bool, typer.Option("--compile", help="Time the compiled network too.")] = (
        False
    ),
) -> None:
    """Time each sampler, its bare network evaluations and diffusers' equal, side by side.

    \b
    Example:
      esm-coupler bench sampler --rounds 5 --json sampler.json
    """
    from ..generator.generator import Generator

    generator = Generator.load(checkpoint, device, threads)
    numbers = run_sampler_bench(generator, steps, rounds)
    if compile:
        compiled = Generator.load(checkpoint, device, threads, compile=True)
        numbers["compiled_over_eager"] = compiled_over_eager(generator, compiled, rounds)
    title = f"The samplers, {steps} steps, medians of {rounds} rounds on {numbers['device']}"
    if not rivals():
        typer.echo(HOW_TO_INSTALL)
    report(title, numbers, sampler_bars(numbers), _costs(numbers), json_file)


def run_sampler_bench(generator: Generator, steps: int, rounds: int) -> dict[str, Any]:
    """Per sampler: evaluations, ratios of interleaved runs (medians), and seconds a state."""
    import torch

    from ..generator.device import reproducible
    from ..generator.sampler import SAMPLERS

    numbers: dict[str, Any] = {
        "checkpoint_sha256": generator.checkpoint_sha256, "device": str(generator.device),
        "threads": generator.threads, "torch": torch.__version__, "steps": steps,
        "rounds": rounds, "samplers": {},
    }  # fmt: skip
    with torch.inference_mode(), reproducible(generator.threads):
        for name in with_bar(list(SAMPLERS), "samplers"):
            run = Run(generator, name, steps)
            numbers["samplers"][name] = run.ratios(rounds) | {"states": run.states(rounds)}
    return numbers


def compiled_over_eager(eager: Generator, compiled: Generator, rounds: int) -> float:
    """Time of the compiled network's evaluations over those of the plain one."""
    import torch

    from ..generator.device import reproducible

    ways = {"eager": eager, "compiled": compiled}
    with torch.inference_mode(), reproducible(eager.threads):
        runs = {name: Run(one, "dpm", 20).bare_evaluations() for name, one in ways.items()}
        times = interleaved(runs, rounds, eager.device)
    return ratio(times["compiled"], times["eager"])


def sampler_bars(numbers: dict[str, Any]) -> list[Bar]:
    """The bars of the samplers, held against one run."""
    bars = []
    for name, found in numbers["samplers"].items():
        what = f"{name}: over its {found['nfe']} bare evaluations"
        bars.append(Bar(what, found["over_bare"], OVERHEAD, ""))
        if "rival" in found:
            what = f"{name}: over diffusers' {found['rival']}"
            bars.append(Bar(what, found["over_rival"], NOT_SLOWER, ""))
    return bars


def _costs(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """What a state costs, in lines of the table."""
    lines = []
    for name, found in numbers["samplers"].items():
        for batch, cost in found["states"].items():
            text = f"{cost['seconds_a_state']:.3g} s, {cost['states_a_second']:.3g} states/s"
            lines.append((f"{name}, batch {batch}", f"{text}, {cost['peak_memory_mib']:.0f} MiB"))
    if "compiled_over_eager" in numbers:
        lines.append(("compiled network over plain", f"{numbers['compiled_over_eager']:.3g}"))
    return lines
