"""Where and how the network computes: batches, bfloat16, loops as graphs, GPUs."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from support.acceptance import accepted
from torch import Tensor
from torch.nn import Conv2d

from esm_coupler.errors import ConfigError, InvalidValueError
from esm_coupler.generator.device import only_visible, select_device
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.generator.loop import Loops, PlainLoop
from esm_coupler.generator.schedule import SAMPLER_NAMES
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_checkpoint

DAY = parse_date(20180301)
HAS_GPU = torch.cuda.is_available()
NO_GPU = pytest.mark.skipif(not HAS_GPU, reason="torch sees no GPU on this machine")


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def generator(checkpoint: Path) -> Generator:
    return Generator.load(checkpoint, device="cpu")


def _values(generator: Generator, **request: object) -> np.ndarray:
    return generator.sample(Request(3, DAY, **{"n_steps": 6, **request})).state.values


def test_members_of_a_batch_are_the_members_but_for_round_off(generator: Generator) -> None:
    alone = generator.generate(5, date=DAY, n_steps=6)
    together = generator.generate(5, date=DAY, n_steps=6, batch_members=2)
    np.testing.assert_allclose(together.values, alone.values, atol=1e-5)
    assert all(accepted(State(v, together.names, together.grid)) for v in together.values)
    told = {name: (alone.attributes[name], together.attributes[name]) for name in
            ("batch", "reproducible")}  # fmt: skip
    assert told == {"batch": (1, 2), "reproducible": ("true", "false")}


@pytest.mark.parametrize("size", [0, -1, 1.5, True])
def test_a_batch_of_no_members_is_refused(generator: Generator, size: object) -> None:
    with pytest.raises(InvalidValueError, match=f"batch_members is {size!r}"):
        generator.generate(2, date=DAY, batch_members=size)


def test_bfloat16_is_near_float32_and_is_told(checkpoint: Path, generator: Generator) -> None:
    half = Generator.load(checkpoint, device="cpu", precision="bf16")
    exact, near = _values(generator), _values(half)
    assert not np.array_equal(exact, near), "it is used"
    # bfloat16 has 8 bits: 0.4 % of a number, and sums of such errors
    assert np.abs(near - exact).mean() < 0.01 * np.abs(exact).mean()
    assert accepted(State(near, half.names, half.grid))
    assert np.array_equal(near, _values(half)), "the same bits each time"
    request = Request(3, DAY)
    told = half.provenance(request)
    assert (told["precision"], told["reproducible"]) == ("bf16", "false")
    assert generator.provenance(request)["precision"] == "fp32"


def test_with_bfloat16_products_latents_and_sums_keep_their_precision(checkpoint: Path) -> None:
    half = Generator.load(checkpoint, device="cpu", precision="bf16")
    kinds: dict[str, set[torch.dtype]] = {"product": set(), "clean": set()}
    denoiser = half.model.denoisers[0]
    convolution = next(m for m in denoiser.modules() if isinstance(m, Conv2d))
    convolution.register_forward_hook(lambda *a: kinds["product"].add(a[2].dtype))
    denoiser.register_forward_hook(lambda *a: kinds["clean"].add(a[2].dtype))
    (latent,) = half.latents([Request(1, DAY, n_steps=2)])
    assert kinds == {"product": {torch.bfloat16}, "clean": {torch.float32}}
    assert latent.dtype == torch.float32
    assert {p.dtype for p in denoiser.parameters()} == {torch.float32}


def test_an_unknown_precision_is_refused(checkpoint: Path) -> None:
    with pytest.raises(InvalidValueError, match=r"precision is 'fp8': choose from fp32, bf16"):
        Generator.load(checkpoint, device="cpu", precision="fp8")


class CountedLoop(PlainLoop):
    """Stands in for a CUDA graph: made once for each shape, and fed with tensors alone."""

    made: list[int] = []  # noqa: RUF012

    def __init__(self, run: Callable[..., Tensor], inputs: Sequence[Tensor]) -> None:
        super().__init__(run, inputs)
        self.made.append(len(inputs))


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_a_repeated_loop_gives_the_bits_of_the_plain_one(
    checkpoint: Path, generator: Generator, monkeypatch: pytest.MonkeyPatch, sampler: str
) -> None:
    """A loop is made for member 3 and used for member 5: nothing of a request is left in it."""
    looped = Generator.load(checkpoint, device="cpu")
    monkeypatch.setattr(CountedLoop, "made", [])
    monkeypatch.setattr(looped._sampler, "_loops", Loops(CountedLoop))
    for member in (3, 5):
        request = Request(member, DAY, n_steps=6, sampler=sampler)
        other = looped.sample(request).state.values
        assert np.array_equal(other, generator.sample(request).state.values)
    assert len(CountedLoop.made) == 1
    assert CountedLoop.made[0] == (8 if sampler == "stochastic" else 2), "noise, day, draws"


def test_a_loop_is_made_anew_for_what_it_does_not_fit() -> None:
    made: list[object] = []

    class Loop(PlainLoop):
        def __init__(self, run: Callable[..., Tensor], inputs: Sequence[Tensor]) -> None:
            super().__init__(run, inputs)
            made.append(inputs[0].shape)

    loops = Loops(Loop)
    one, two = torch.ones(1), torch.ones(2)
    for stage, settings, x in [(0, "a", one), (0, "a", one), (1, "a", one), (0, "a", two),
                               (0, "b", two), (0, "b", two), (1, "a", one)]:  # fmt: skip
        assert torch.equal(loops.run(stage, settings, lambda x: 2 * x, [x]), 2 * x)
    assert len(made) == 4


def test_a_graph_is_for_gpus_and_the_same_namelist_runs_without(
    checkpoint: Path, generator: Generator
) -> None:
    there = Generator.load(checkpoint, device="cpu", cuda_graph=True)
    assert np.array_equal(_values(there), _values(generator))


@pytest.mark.skipif(HAS_GPU, reason="torch sees a GPU on this machine")
def test_a_gpu_that_is_not_there_is_told() -> None:
    assert select_device("auto", 2) == torch.device("cpu")
    with pytest.raises(ConfigError, match="torch sees no GPU"):
        select_device("cuda", 2)


def test_a_gpu_number_beyond_what_torch_sees_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert select_device("auto", 0) == torch.device("cuda", 0)
    assert select_device("auto") == torch.device("cuda")
    with pytest.raises(ConfigError, match=r"GPU 3, counted from 0, and torch sees 1.*MIG"):
        select_device("auto", 3)


@pytest.mark.parametrize("before", [None, "MIG-1,MIG-2"])
def test_a_mig_instance_is_named_alone_while_cuda_starts(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if before is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", before)
    with pytest.raises(ZeroDivisionError), only_visible("MIG-2"):
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "MIG-2"
        raise ZeroDivisionError
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == before


@pytest.mark.gpu
@NO_GPU
@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_on_a_gpu_a_graph_gives_the_bits_of_the_plain_loop(checkpoint: Path, sampler: str) -> None:
    plain = Generator.load(checkpoint, device="cuda")
    graph = Generator.load(checkpoint, device="cuda", cuda_graph=True)
    for member in (3, 5, 3):
        request = Request(member, DAY, n_steps=6, sampler=sampler)
        a, b = (g.sample(request).state.values for g in (plain, graph))
        assert np.array_equal(a, b)


@pytest.mark.gpu
@NO_GPU
def test_on_a_gpu_states_are_those_of_the_cpu_but_for_round_off(
    checkpoint: Path, generator: Generator
) -> None:
    there = Generator.load(checkpoint, device="cuda")
    np.testing.assert_allclose(_values(there), _values(generator), atol=1e-3)
    assert np.array_equal(_values(there), _values(there))
