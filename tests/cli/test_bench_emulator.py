"""`esm-coupler bench emulator` times a day beside the bare network."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.cli import esm_coupler

from esm_coupler.testing import tiny_emulator


def test_a_run_tells_what_a_day_costs(tmp_path: Path) -> None:
    checkpoint, path = tiny_emulator(tmp_path / "tiny.safetensors"), tmp_path / "out.json"
    options = ["--checkpoint", checkpoint, "--device", "cpu", "--batches", "1,3", "--rounds", 2]
    done = esm_coupler("bench", "emulator", *options, "--json", path)

    assert done.status == 0, done.err
    numbers = json.loads(path.read_text())
    assert list(numbers["batches"]) == ["1", "3"]
    for found in numbers["batches"].values():
        assert found["seconds_a_day"] * found["days_a_second"] == pytest.approx(1)
        assert found["over_bare"] > 0.5
