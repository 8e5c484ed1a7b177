"""`esm-coupler bench`: what the parts cost, measured side by side in one run."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from ..errors import EsmCouplerError
from .config import bridge_prefix

bench = typer.Typer(help="Measure what the parts cost, as ratios within one run.")


@dataclass(frozen=True)
class Bar:
    """One line of the bench: what was measured and what it may be at most."""

    what: str
    measured: float
    at_most: float
    unit: str

    @property
    def is_met(self) -> bool:
        return self.measured <= self.at_most


@bench.callback()
def parts() -> None:
    """Measure what the parts cost, as ratios within one run."""


JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the numbers as JSON too.")
]


@bench.command()
def bridge(
    json_file: JsonFile = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; each number is a median.")] = 201,
    calls: Annotated[int, typer.Option(min=1, help="Calls in a round, of each kind.")] = 1000,
) -> None:
    """Time a call from a host into Python and back, pinned to one core.

    \b
    Example:
      esm-coupler bench bridge --json bridge.json
    """
    numbers = run_bridge_bench(rounds, calls)
    bars = bridge_bars(numbers)
    title = f"The bridge, {numbers['rounds']} rounds on core {numbers['core']}"
    report(title, numbers, bars, _kept_views(numbers), json_file)


def report(
    title: str, numbers: dict[str, Any], bars: list[Bar], more: list[tuple[str, str]],
    json_file: Path | None,
) -> None:  # fmt: skip
    """Print bars and `more` (what, measured), write all numbers as JSON if asked to;
    EsmCouplerError if a bar was missed."""
    if json_file is not None:
        told = numbers | {"bars": [asdict(bar) | {"is_met": bar.is_met} for bar in bars]}
        json_file.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    _print_table(title, bars, more)
    missed = [bar.what for bar in bars if not bar.is_met]
    if missed:
        raise EsmCouplerError(
            f"over the bar: {'; '.join(missed)} (a busy machine is one reason: try again)"
        )


def run_bridge_bench(rounds: int, calls: int) -> dict[str, Any]:
    """Run the bench program; its numbers are microseconds a call, medians over the rounds."""
    return run_program([str(bridge_prefix() / "bin" / "bridge_bench"), str(rounds), str(calls)])


def run_program(command: list[str], env: dict[str, str] | None = None) -> dict[str, Any]:
    """Run a bench program, which prints one JSON object; EsmCouplerError says how it failed."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    except FileNotFoundError:
        raise EsmCouplerError(f"{command[0]} is not found: install it, or add it to PATH") from None
    if run.returncode != 0:
        raise EsmCouplerError(
            f"{command[0]} ended with status {run.returncode}: "
            f"{run.stderr.strip() or 'it said nothing'}"
        )
    return dict(json.loads(run.stdout))


def bridge_bars(numbers: dict[str, Any]) -> list[Bar]:
    """The bars of the bridge, held against one run."""
    small, large = numbers["one_field_1e4"], numbers["one_field_1e6"]
    growth = numbers["memory"]["after_kib"] - numbers["memory"]["before_kib"]
    copied = 0.0 if numbers["views_on_host_memory"] else 1.0
    return [
        Bar("a call that does nothing, 1e4 reals bound", small, 2.0, "us"),
        Bar("a call that does nothing, 1e6 reals bound", large, 2.0, "us"),
        Bar("the larger of both over the smaller", max(small, large) / min(small, large), 1.2, ""),
        Bar("a call with twelve fields bound", numbers["twelve_fields"], 5.0, "us"),
        Bar("resident memory over a million calls", growth, 256.0, "KiB"),
        Bar("bound arrays whose views are copies (1 = any)", copied, 0.0, ""),
    ]


def _kept_views(numbers: dict[str, Any]) -> list[tuple[str, str]]:
    """What it saves to make the views of bound arrays once."""
    renewed = numbers["twelve_fields_renewed"]
    return [
        ("the same twelve with views made anew", f"{renewed:.4g} us"),
        ("what kept views save", f"{renewed / numbers['twelve_fields']:.1f} times"),
    ]


def _print_table(title: str, bars: list[Bar], more: list[tuple[str, str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title)
    for heading in ("", "measured", "at most", ""):
        table.add_column(heading, justify="left" if heading == "" else "right")
    for bar in bars:
        verdict = "met" if bar.is_met else "MISSED"
        table.add_row(
            bar.what, f"{bar.measured:.4g} {bar.unit}", f"{bar.at_most:g} {bar.unit}", verdict
        )
    table.add_section()
    for what, measured in more:
        table.add_row(what, measured, "", "")
    Console().print(table)
