"""`esm-coupler bench bridge` measures in one run, holds the bars, and says which one it missed."""

from __future__ import annotations

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest

from esm_coupler.cli.bench import bridge_bars

NUMBERS = {
    "one_field_1e4": 1.0,
    "one_field_1e6": 1.1,
    "twelve_fields": 2.0,
    "twelve_fields_renewed": 20.0,
    "memory": {"before_kib": 1000, "after_kib": 1000},
    "views_on_host_memory": True,
}


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, object]]:
    """The table and the JSON of a short run; a busy machine may miss a bar."""
    path = tmp_path_factory.mktemp("bench") / "bridge.json"
    command = str(Path(sysconfig.get_path("scripts")) / "esm-coupler")
    options = ["--json", str(path), "--rounds", "51", "--calls", "500"]
    done = subprocess.run(
        [command, "bench", "bridge", *options], capture_output=True, text=True, check=False
    )
    assert path.exists(), done.stderr
    return done.stdout, json.loads(path.read_text())


def test_a_run_measures_each_bar_once(report: tuple[str, dict[str, object]]) -> None:
    table, numbers = report
    assert "a call with twelve fields bound" in table
    assert "what kept views save" in table
    assert len(numbers["bars"]) == 6


def test_bound_arrays_are_not_copied(report: tuple[str, dict[str, object]]) -> None:
    assert report[1]["views_on_host_memory"] is True


def test_a_million_calls_leave_memory_flat(report: tuple[str, dict[str, object]]) -> None:
    memory = report[1]["memory"]
    assert memory["calls"] == 1_000_000
    assert memory["after_kib"] - memory["before_kib"] <= 256


def test_kept_views_are_cheaper_than_renewed_ones(report: tuple[str, dict[str, object]]) -> None:
    numbers = report[1]
    assert numbers["twelve_fields"] < numbers["twelve_fields_renewed"] / 3


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({"one_field_1e4": 2.1, "one_field_1e6": 2.1}, 2),
        ({"one_field_1e6": 1.3}, 1),
        ({"twelve_fields": 5.1}, 1),
        ({"memory": {"before_kib": 1000, "after_kib": 1300}}, 1),
        ({"views_on_host_memory": False}, 1),
        ({}, 0),
    ],
)
def test_each_bar_can_be_missed(change: dict[str, object], missed: int) -> None:
    bars = bridge_bars(NUMBERS | change)
    assert sum(not bar.is_met for bar in bars) == missed
