"""`esm-coupler bench coupling`: what the way of the fields costs, and a rank without generator."""

from __future__ import annotations

import os
import tempfile
from itertools import permutations
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from .bench import Bar, JsonFile, report, run_program
from .config import bridge_prefix

# More ranks than cores, also as root; a rank that waits leaves its core to the one it waits for.
_OPEN_MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}
# Without a log: its hash of all fields is no part of the way.
_LOOPBACK = "&coupler_nml\n  engine = 'loopback'\n  log_file = ''\n/\n"
_GENERATOR = "&coupler_nml log_file = '' /\n&generator_nml device = 'cpu', n_steps = 1 /\n"
_SIDE = 96  # the grid of the default checkpoint


def coupling(
    json_file: JsonFile = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each number is a median.")] = 21,
    starts: Annotated[int, typer.Option(min=1, help="Starts; the fastest counts.")] = 5,
) -> None:
    """Time gather and scatter on 4 ranks beside hand-written MPI, and a rank without generator.

    \b
    Example:
      esm-coupler bench coupling --json coupling.json
    """
    numbers = {
        "route": _run(4, "route", str(rounds)),
        "starts": [_start(_LOOPBACK) for _ in range(starts)],
        "with_generator": _start(_GENERATOR),
    }
    bars = coupling_bars(numbers)
    title = f"Gather and scatter of 6 fields of 1024 x 1024 on 4 ranks, {rounds} rounds"
    report(title, numbers, bars, _notes(numbers), json_file)


def _run(ranks: int, *arguments: str) -> dict[str, Any]:
    """Carry out bench/coupling_bench.c."""
    program = str(bridge_prefix() / "bin" / "coupling_bench")
    return run_program(["mpirun", "-n", str(ranks), program, *arguments], os.environ | _OPEN_MPI)


def _start(namelist: str) -> dict[str, Any]:
    """Seconds and memory of the rank without generator of two."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.nml"
        path.write_text(namelist, encoding="utf-8")
        return _run(2, "start", str(path), str(_SIDE), str(_SIDE))


def coupling_bars(numbers: dict[str, Any]) -> list[Bar]:
    """The bars of the coupling. Ratios are medians over the rounds of what was measured in one
    round, one after the other, so that other work on the machine disturbs them little."""
    route, starts = numbers["route"], numbers["starts"]
    pairs = permutations([ways["coupler"] for ways in route.values()], 2)
    spread = max(_ratio(these, those) for these, those in pairs)
    grown = max(map(_kib_above_host, [numbers["with_generator"], *starts])) / 1024
    return [
        *(
            Bar(f"{n} blocks a rank: over by hand", _ratio(w["coupler"], w["by_hand"]), 1.3, "")
            for n, w in route.items()
        ),
        Bar("blocks a rank: the slowest over the fastest", spread, 1.5, ""),
        Bar("a rank without generator: memory", grown, 60.0, "MiB"),
        Bar("its start, the fastest", min(start["seconds"] for start in starts), 0.5, "s"),
    ]


def _ratio(these: list[float], those: list[float]) -> float:
    return median(a / b for a, b in zip(these, those, strict=True))


def _kib_above_host(start: dict[str, Any]) -> float:
    """Resident memory after a generate, over that of the host before its start."""
    return float(start["generated_kib"] - start["before_kib"])


def _notes(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """What has no bar: the coupler's generate, the same by hand, and the MPI calls of the latter
    between buffers that nobody fills or reads."""
    return [
        (f"[ms] {blocks}: coupler, by hand, MPI alone", " ".join(
            f"{median(ways[way]) / 1000:.1f}" for way in ("coupler", "by_hand", "mpi_alone")
        ))
        for blocks, ways in numbers["route"].items()
    ]  # fmt: skip
