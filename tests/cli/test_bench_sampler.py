"""`esm-coupler bench sampler` times each sampler beside the bare network and beside diffusers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support.cli import esm_coupler

from esm_coupler.cli.bench_sampler import compiled_over_eager, sampler_bars
from esm_coupler.cli.rivals import HOW_TO_INSTALL, rivals
from esm_coupler.cli.sampler_run import PeakMemory, Run, interleaved, ratio
from esm_coupler.generator.generator import Generator
from esm_coupler.generator.sampler import dpm, heun
from esm_coupler.generator.schedule import SAMPLER_NAMES, evaluations, karras_sigmas

CPU = torch.device("cpu")
NUMBERS = {
    "samplers": {
        "heun": {"nfe": 39, "over_bare": 1.02, "rival": "X", "over_rival": 1.0},
        "dpm": {"nfe": 20, "over_bare": 1.01},
    }
}


def test_a_run_tells_what_each_sampler_costs(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "sampler.json"
    options = ["--checkpoint", checkpoint, "--device", "cpu", "--steps", 3, "--rounds", 1]
    done = esm_coupler("bench", "sampler", *options, "--json", path)

    numbers = json.loads(path.read_text())
    assert list(numbers["samplers"]) == list(SAMPLER_NAMES)
    for name, found in numbers["samplers"].items():
        assert found["nfe"] == evaluations(name, 3)
        assert found["over_bare"] > 0.5
        for batch in ("1", "16"):
            cost = found["states"][batch]
            assert cost["seconds_a_state"] * cost["states_a_second"] == pytest.approx(1)
            assert 50 < cost["peak_memory_mib"] < 1e5
    assert "heun: over its 5 bare" in " ".join(done.out.split())
    assert (HOW_TO_INSTALL in done.out) == (not rivals())
    # the network of this checkpoint is so small that a bar is missed
    assert done.status == (0 if all(bar["is_met"] for bar in numbers["bars"]) else 1)


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        ({}, 0),
        ({"over_bare": 1.04}, 1),
        ({"over_rival": 1.02}, 1),
        ({"over_bare": 2, "over_rival": 2}, 2),
    ],
)
def test_each_bar_can_be_missed(change: dict[str, float], missed: int) -> None:
    samplers = NUMBERS["samplers"] | {"heun": NUMBERS["samplers"]["heun"] | change}
    bars = sampler_bars({"samplers": samplers})
    assert len(bars) == 3
    assert sum(not bar.is_met for bar in bars) == missed


def test_rounds_alternate_and_the_first_is_not_counted() -> None:
    calls: list[str] = []
    times = interleaved({k: lambda k=k: calls.append(k) for k in "ab"}, 2, CPU)
    assert calls == list("ababab")
    assert {k: len(v) for k, v in times.items()} == {"a": 2, "b": 2}


def test_a_ratio_is_taken_within_each_round() -> None:
    assert ratio([2.0, 20.0, 30.0], [1.0, 10.0, 10.0]) == 2.0


def test_peak_memory_sees_what_was_given_back_and_not_what_was_before() -> None:
    with PeakMemory(CPU) as before:
        pass
    with PeakMemory(CPU) as memory:
        torch.ones(64 * 2**18)  # 64 MiB
    with PeakMemory(CPU) as after:
        pass
    assert memory.mib - before.mib > 55
    assert memory.mib - after.mib > 55


def test_the_bare_network_is_called_as_often_as_by_the_sampler(checkpoint: Path) -> None:
    generator = Generator.load(checkpoint, device="cpu")
    calls: list[float] = []
    hook = generator.model.denoisers[0].register_forward_hook(lambda *_: calls.append(1))
    run = Run(generator, "heun", 3)
    run.bare_evaluations()()
    assert len(calls) == 5
    run._sample(2)
    assert len(calls) == 10
    hook.remove()
    assert compiled_over_eager(generator, generator, 3) == pytest.approx(1, abs=0.5)


@pytest.mark.parametrize(("name", "sampler"), [("heun", heun), ("dpm", dpm)])
def test_diffusers_schedulers_do_the_same_as_ours(name: str, sampler) -> None:
    pytest.importorskip("diffusers", reason="diffusers is not installed: see the extra 'bench'")
    noise = torch.linspace(-2, 2, 16).reshape(1, 1, 4, 4)
    sigmas = karras_sigmas(12).tolist()
    calls: list[float] = []

    def denoise(x: torch.Tensor, sigma: float) -> torch.Tensor:
        calls.append(sigma)
        return torch.tanh(x) / (1 + sigma**2)

    theirs = rivals()[name][1](denoise, noise, sigmas, 40.0)
    assert len(calls) == evaluations(name, 12)
    torch.testing.assert_close(theirs, sampler(denoise, noise, sigmas), rtol=1e-3, atol=1e-4)


def test_the_rival_of_the_stochastic_sampler_takes_as_many_evaluations() -> None:
    pytest.importorskip("diffusers", reason="diffusers is not installed: see the extra 'bench'")
    calls: list[float] = []
    denoise = lambda x, sigma: calls.append(sigma) or 0 * x  # noqa: E731
    rivals()["stochastic"][1](denoise, torch.ones(1, 1, 2, 2), karras_sigmas(12).tolist(), 40.0)
    assert len(calls) == evaluations("stochastic", 12)
