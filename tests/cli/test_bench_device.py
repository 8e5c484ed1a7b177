"""`esm-coupler bench device` tells how well a device is used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.cli import esm_coupler

from esm_coupler.cli.bench_device import flops_of_a_state, peak_flops
from esm_coupler.cli.sampler_run import DATE
from esm_coupler.generator.generator import Generator, Request


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_run_tells_states_share_of_peak_and_memory(
    checkpoint: Path, tmp_path: Path, precision: str
) -> None:
    path = tmp_path / "device.json"
    options = ["--checkpoint", checkpoint, "--device", "cpu", "--steps", 2, "--rounds", 1]
    options += ["--batches", "1,2", "--precision", precision, "--cuda-graph"]
    done = esm_coupler("bench", "device", *options, "--json", path)
    assert done.status == 0, done.err
    numbers = json.loads(path.read_text())
    assert (numbers["device"], numbers["precision"]) == ("cpu", precision)
    assert list(numbers["batches"]) == ["1", "2"]
    for batch, cost in numbers["batches"].items():
        assert cost["states_a_second"] > 0
        assert 0 < cost["share_of_peak"] < 1
        assert 50 < cost["peak_memory_mib"] < 1e5
        assert f"batch {batch}" in done.out


def test_operations_are_those_of_the_evaluations(checkpoint: Path) -> None:
    generator = Generator.load(checkpoint, device="cpu")
    few, more, most = (
        flops_of_a_state(generator, Request(1, DATE, n_steps=n, sampler="dpm")) for n in (1, 2, 5)
    )
    assert more - few == (most - few) / 4 > 0


def test_the_peak_is_that_of_a_product() -> None:
    assert 1e8 < peak_flops(torch.device("cpu"), "fp32") < 1e14


@pytest.mark.parametrize("batches", ["", "1,x", "0", "4,-1"])
def test_batches_that_are_none_are_refused(checkpoint: Path, batches: str) -> None:
    said = esm_coupler("bench", "device", "--checkpoint", checkpoint, "--batches", batches)
    assert f"--batches is '{batches}'" in said.sentence()
