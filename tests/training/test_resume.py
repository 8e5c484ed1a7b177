"""A denoiser's training that was stopped goes on to the same bits, in both precisions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from training.test_one_step import config

from esm_coupler.generator.architecture import RefinerConfig
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.training import denoiser, loop

ON_GPU = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


def of_the_pyramid(output, **changes) -> SimpleNamespace:
    """Two denoisers, with dropout: all that is drawn at random is drawn again."""
    base = config(output, kind="denoiser", space="pyramid", **changes)
    sizes = replace(base.denoiser, dropout=0.2, spread_nodes=4)
    detail = RefinerConfig(channels=(8, 8), blocks=1, embedding=8, dropout=0.2, spread_nodes=4)
    return SimpleNamespace(training=base.training, denoiser=sizes, refiner=detail)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_denoisers_go_on_to_the_same_weights(tmp_path, monkeypatch, precision):
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    denoiser.train(of_the_pyramid(straight, precision=precision))
    advance = loop.Trainer.advance

    def interrupted(trainer):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            denoiser.train(of_the_pyramid(broken, precision=precision))
    denoiser.train(of_the_pyramid(broken, precision=precision))
    first, second = (read_checkpoint(path).tensors for path in (straight, broken))
    assert first.keys() == second.keys()
    assert all(np.array_equal(tensor, second[name]) for name, tensor in first.items())


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=ON_GPU)])
def test_bf16_is_the_arithmetic_of_the_network_only(tmp_path, monkeypatch, device):
    seen = []
    gradient = loop.Trainer.gradient

    def watched(trainer, indices):
        told = gradient(trainer, indices)
        seen.extend({parameter.grad.dtype for parameter in trainer.model.parameters()})
        return told

    monkeypatch.setattr(loop.Trainer, "gradient", watched)
    output = tmp_path / "half.safetensors"
    denoiser.train(of_the_pyramid(output, precision="bf16", device=device))
    assert set(seen) == {torch.float32}
    told = read_checkpoint(output).manifest["training"]["denoiser"]
    assert np.isfinite(told["validation_loss_denoiser"])
    assert told["settings"]["precision"] == "bf16"
    assert told["hardware"]
