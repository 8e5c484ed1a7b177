"""Several processes under torchrun train what one process would, up to round-off."""

import csv
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from esm_coupler.errors import ConfigError
from esm_coupler.training import ranks as ranks_module
from esm_coupler.training.ranks import Ranks, joined

SCRIPT = Path(__file__).with_name("both_trainings.py")


def losses(folder, kind):
    with open(folder / f"{kind}.curve.csv", newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def alone_and_together(tmp_path_factory):
    """The folders of one process, and of two that torchrun starts."""
    alone, together = tmp_path_factory.mktemp("alone"), tmp_path_factory.mktemp("together")
    spec = importlib.util.spec_from_file_location("both_trainings", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    given = alone / "autoencoder.safetensors"
    script.run(alone, given)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    run = subprocess.run(
        [*torchrun, "--nproc_per_node=2", str(SCRIPT), str(together), str(given)],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.splitlines()) == ["rank 0 of 2", "rank 1 of 2"]
    return alone, together


@pytest.mark.parametrize("kind", ["autoencoder", "denoiser"])
def test_two_processes_have_the_losses_of_one(alone_and_together, kind):
    one, two = (losses(folder, kind) for folder in alone_and_together)
    assert len(one) == 4
    assert len(set(one)) == 4
    assert two[0] == pytest.approx(one[0], rel=2e-5)
    assert two == pytest.approx(one, rel=2e-3)


def test_only_the_first_process_writes(alone_and_together):
    alone, together = ({path.name for path in folder.iterdir()} for folder in alone_and_together)
    assert together == alone
    assert not [name for name in together if ".training." in name or ".part" in name]


@pytest.mark.parametrize(
    "draw",
    [
        lambda x: torch.randn(len(x)),
        lambda x: torch.randn((len(x), 3)),
        lambda x: torch.rand(len(x), 2),
        torch.randn_like,
        lambda x: torch.rand_like(x.to(memory_format=torch.channels_last)),
        lambda x: F.dropout(x, 0.4, training=True),
        torch.nn.Dropout(0.4),
        lambda x: F.dropout(x, 0.4, training=False),
    ],
)
def test_random_numbers_of_a_share_are_those_of_the_whole_batch(draw):
    batch = torch.arange(1.0, 1 + 4 * 8 * 4 * 4).reshape(4, 8, 4, 4)
    torch.manual_seed(3)
    whole = draw(batch)
    for rank in range(2):
        ranks = Ranks(rank, 2)
        torch.manual_seed(3)
        with ranks.noise():
            torch.testing.assert_close(draw(ranks.share(batch)), ranks.share(whole))


def test_a_process_alone_needs_no_partners():
    with joined("cpu") as ranks:
        assert ranks == Ranks(0, 1) == Ranks.current()
    one = torch.ones(3)
    ranks.average([one])
    assert one.tolist() == [1, 1, 1]
    assert ranks.of_first(2.5, torch.device("cpu")) == 2.5


def test_more_processes_than_gpus_on_a_node_are_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="started 4 processes on a node with 2 GPUs"):
        ranks_module._take_gpu(3, 4)
