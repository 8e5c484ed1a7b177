"""A generator of one step learns from the fair CRPS, and makes states by one evaluation."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import esm_coupler
from esm_coupler.config import TrainingConfig
from esm_coupler.errors import ConfigError
from esm_coupler.generator.architecture import DenoiserConfig
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.data_space import DataSpace
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.generator.model import make_denoisers
from esm_coupler.state import parse_date
from esm_coupler.training import loop, one_step
from esm_coupler.training.one_step import BEYOND_BOUNDS, block_scores, make_members
from esm_coupler.training.view_crps import fair_crps

SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample"
NAMES = ("sic", "sit")


def config(output, **changes):
    options = {
        "kind": "one_step", "space": "fields", "data": str(SAMPLE), "train_years": (1990,),
        "validation_years": (1991,), "output": str(output), "steps": 4, "batch": 2,
        "warmup_steps": 1, "checkpoint_every": 2, "device": "cpu", "threads": 1, "pictures": False,
    }  # fmt: skip
    return SimpleNamespace(
        training=TrainingConfig(**options | changes),
        denoiser=DenoiserConfig(
            channels=(8, 8), patch=2, blocks=1, embedding=8, dropout=0.0, spread_nodes=1
        ),
    )


def test_fair_crps_is_that_of_the_definition():
    members, truth = torch.tensor([[0.0], [4.0], [1.0]]), torch.tensor([2.0])
    error, apart = (2 + 2 + 1) / 3, 2 * (4 + 1 + 3)  # mean |x - y|, and the sum of all |x - x'|
    assert float(fair_crps(members, truth)) == pytest.approx(error - apart / (2 * 3 * 2))
    assert float(fair_crps(members, truth, fairness=0.0)) == pytest.approx(error - apart / 18)
    half = float(fair_crps(members, truth, fairness=0.5))
    assert half == pytest.approx(error - 0.5 * (apart / 12 + apart / 18))


def test_fair_crps_agrees_with_the_library():
    import xarray
    from scores.probability import crps_for_ensemble

    members, truth = torch.randn(4, 50), torch.randn(50)
    cases = (
        xarray.DataArray(members.numpy(), dims=("member", "case")),
        xarray.DataArray(truth.numpy(), dims="case"),
    )
    for fairness, method in ((1.0, "fair"), (0.0, "ecdf")):
        theirs = crps_for_ensemble(*cases, "member", method=method, preserve_dims="all").values
        assert np.allclose(fair_crps(members, truth, fairness), theirs, atol=1e-6)


def test_fair_crps_of_two_members_is_that_of_many_in_expectation():
    """Of a normal distribution against itself it is 1 / sqrt(pi) = 0.5642 (Gneiting and Raftery
    2007), and more for one that is too narrow or off; the ordinary one is too large."""
    torch.manual_seed(0)
    members, truth = torch.randn(2, 400_000), torch.randn(400_000)
    assert float(fair_crps(members, truth).mean()) == pytest.approx(0.5642, abs=0.004)
    assert float(fair_crps(0.5 * members, truth).mean()) > 0.58
    assert float(fair_crps(members + 0.5, truth).mean()) > 0.58
    assert float(fair_crps(members, truth, 0.0).mean()) == pytest.approx(0.846, abs=0.004)


def test_scores_see_scales_bounds_and_ocean_only():
    mask = torch.ones(16, 16, dtype=torch.bool)
    mask[:, 8:] = False
    space = DataSpace(NAMES, mask)
    space.normalisation.std.fill_(0.5)
    truth = torch.where(mask, torch.full((1, 2, 16, 16), 1.0), torch.tensor(0.0))
    checked = torch.tensor([1.0, -1.0]).repeat(16, 8)
    # a chequerboard is wrong cell by cell and right in the means of blocks
    members = torch.where(mask, 1.0 + 0.25 * checked.expand(2, 1, 2, 16, 16), torch.tensor(9.0))
    scores = block_scores(space, members, truth, (1, 2, 4, 32))
    assert list(scores) == [1, 2, 4]
    assert float(scores[1]) == pytest.approx(0.25)
    assert float(scores[2]) == pytest.approx(0.0, abs=1e-6)
    # sic ends at 2 standard deviations here: what is beyond counts a little; sit has no end
    beyond = block_scores(space, torch.full((2, 1, 2, 16, 16), 3.0), truth, (1,))[1]
    assert float(beyond) == pytest.approx((1 + BEYOND_BOUNDS + 2) / 2)


def test_members_of_a_day_differ_and_land_is_no_part_of_them():
    space = DataSpace(NAMES, torch.ones(16, 16, dtype=torch.bool))
    sizes = DenoiserConfig(channels=(8, 8), patch=1, blocks=1, embedding=8)
    (network,) = make_denoisers(space, (sizes,))
    network.normalisation.spread[:, :, :4] = 0.0
    made = make_members(network, torch.tensor([1.0, 200.0]), 3)
    assert made.shape == (3, 2, 2, 16, 16)
    assert not torch.equal(made[0], made[1])
    assert not made[..., :4, :].any()


def test_training_makes_a_generator_of_one_evaluation(tmp_path):
    output = tmp_path / "one_step.safetensors"
    one_step.train(config(output))
    manifest = read_checkpoint(output).manifest
    assert manifest["architecture"]["one_step"] is True
    assert "validation_crps_16" in manifest["training"]["denoiser"]
    generator = Generator.load(output)
    many = Request(1, parse_date(19910301), n_steps=20, sigma_max=10.0)
    assert generator.nfe(many) == 1
    assert generator.provenance(many)["sampler"] == "dpm"
    ensemble = generator.generate(members=2, date=19910301)
    assert not np.array_equal(ensemble.values[0], ensemble.values[1])
    one = generator.sample(Request(1, parse_date(19910301), n_steps=1, sampler="dpm"))
    assert np.array_equal(one.state.values, ensemble.values[0])


def test_the_score_falls_while_it_trains(tmp_path):
    output = tmp_path / "one_step.safetensors"
    one_step.train(config(output, steps=1))
    first = read_checkpoint(output).manifest["training"]["denoiser"]["validation_crps_16"]
    output.unlink()
    one_step.train(config(output, steps=40, learning_rate=0.01, checkpoint_every=40))
    last = read_checkpoint(output).manifest["training"]["denoiser"]["validation_crps_16"]
    assert last < 0.9 * first


def test_it_resumes_to_the_same_weights(tmp_path, monkeypatch):
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    one_step.train(config(straight))
    advance = loop.Trainer.advance

    def interrupted(trainer):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            one_step.train(config(broken))
    one_step.train(config(broken))
    first, second = (read_checkpoint(p).tensors for p in (straight, broken))
    assert all(np.array_equal(tensor, second[name]) for name, tensor in first.items())


def test_another_space_is_refused(tmp_path):
    with pytest.raises((ConfigError, ValueError), match="set space = 'fields'"):
        config(tmp_path / "one_step.safetensors", space="pyramid")
