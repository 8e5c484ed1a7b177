"""States go through an untrained autoencoder, and only through one that fits them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from esm_coupler.errors import CheckpointError
from esm_coupler.testing import tiny_checkpoint
from esm_coupler.generator.generator import joint_state
from esm_coupler.verify import latent
from esm_coupler.verify.frechet import frechet_distance
from esm_coupler.verify.latent import latent_means, load_network, reconstructed

from .made_up import NAMES, faed_checkpoint, open_grid, random_states


def test_latents_are_those_of_the_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    autoencoder = load_network(faed_checkpoint(tmp_path), "autoencoder")
    states = random_states(5)
    monkeypatch.setattr(latent, "BATCH", 2)  # the last batch is a half one
    latents = latent_means(states, autoencoder)
    with torch.no_grad():
        known = autoencoder.encode(torch.from_numpy(states.fields)).flatten(1).numpy()
    assert latents.shape == (5, 2 * 4 * 8)
    assert latents == pytest.approx(known, rel=1e-4, abs=1e-5)
    assert frechet_distance(latents, latents) == pytest.approx(0, abs=1e-6)


def test_reconstructed_states_are_what_the_network_decodes(tmp_path: Path) -> None:
    autoencoder = load_network(tiny_checkpoint(tmp_path / "tiny.safetensors"))
    states = random_states(3).of_names(NAMES[::-1])
    decoded = reconstructed(states, autoencoder)
    with torch.no_grad():
        fields = torch.from_numpy(states.fields[:, ::-1].copy())
        decoder = autoencoder.decode(autoencoder.encode(fields)).numpy()
    known = np.stack([joint_state(day, NAMES, states.grid)[0].values for day in decoder])
    assert decoded.names == NAMES
    assert decoded.fields == pytest.approx(known, rel=1e-4, abs=1e-5)


def test_states_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    autoencoder = load_network(faed_checkpoint(tmp_path))
    with pytest.raises(CheckpointError, match="the autoencoder is for sic, sit, snt, siu, siv"):
        latent_means(random_states(2).of_names(("sic", "sit")), autoencoder)
    with pytest.raises(CheckpointError, match="on its own mask of"):
        latent_means(random_states(2, grid=open_grid()), autoencoder)


def test_a_generator_is_no_independent_autoencoder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="kind 'generator', needed is 'autoencoder'"):
        load_network(tiny_checkpoint(tmp_path / "tiny.safetensors"), "autoencoder")
