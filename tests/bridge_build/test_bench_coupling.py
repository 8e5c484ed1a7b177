"""`esm-coupler bench coupling` holds the way of the fields against the same by hand, in one run."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from esm_coupler.cli.bench_coupling import coupling_bars

SPREAD = "blocks a rank: the slowest over the fastest"


def numbers(
    coupler: float = 100.0,
    some_blocks: float = 100.0,
    many_blocks: float = 100.0,
    kib: int = 20_000,
    seconds: float = 0.3,
) -> dict[str, Any]:
    """What the bench program prints, of one round."""
    start = {"seconds": seconds, "before_kib": 16_000, "generated_kib": 16_000 + kib}
    times = {"1": coupler, "4": some_blocks, "64": many_blocks}
    return {
        "route": {n: {"coupler": [t], "by_hand": [100.0]} for n, t in times.items()},
        "starts": [start, start | {"seconds": 9.0}],
        "with_generator": start,
    }


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, []),
        ({"coupler": 131.0}, ["1 blocks a rank: over by hand"]),
        ({"many_blocks": 131.0}, ["64 blocks a rank: over by hand"]),
        ({"coupler": 70.0, "many_blocks": 110.0}, [SPREAD]),
        ({"some_blocks": 125.0, "many_blocks": 80.0}, [SPREAD]),
        ({"kib": 62_000}, ["a rank without generator: memory"]),
        ({"seconds": 0.6}, ["its start, the fastest"]),
    ],
)
def test_each_bar_can_be_missed(change: dict[str, Any], missed: list[str]) -> None:
    bars = coupling_bars(numbers(**change))
    assert [bar.what for bar in bars if not bar.is_met] == missed


def test_a_run_measures_all_of_it(tmp_path: Path) -> None:
    """How fast it is depends on what else the machine does; memory does not."""
    path = tmp_path / "coupling.json"
    command = str(Path(sysconfig.get_path("scripts")) / "esm-coupler")
    options = ["--rounds", "1", "--starts", "1", "--json", str(path)]
    done = subprocess.run(
        [command, "bench", "coupling", *options], capture_output=True, text=True, check=False
    )
    assert path.exists(), done.stderr
    report = json.loads(path.read_text())
    assert list(report["route"]) == ["1", "4", "16", "64"]
    for ways in report["route"].values():
        assert all(len(ways[way]) == 1 and ways[way][0] > 0 for way in ways)
        assert set(ways) == {"coupler", "by_hand", "mpi_alone"}
    memory = next(bar for bar in report["bars"] if bar["unit"] == "MiB")
    assert memory["is_met"] and memory["measured"] > 10
    assert "MISSED" in done.stdout or done.returncode == 0
