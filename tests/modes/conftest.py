"""Small untrained generators in two spaces, and a state to start from."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.generator.generator import Generator
from esm_coupler.generator.projection import project
from esm_coupler.state import State
from esm_coupler.testing import tiny_checkpoint, tiny_grid
from support.tiny_pyramid import NAMES, tiny_pyramid


@pytest.fixture(scope="session")
def generator() -> Generator:
    return tiny_pyramid(0.05)


@pytest.fixture(scope="session")
def mixing(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """In the latent of an autoencoder, whose channels are of no single field."""
    folder = tmp_path_factory.mktemp("model")
    return Generator.load(tiny_checkpoint(folder / "tiny.safetensors"), device="cpu")


@pytest.fixture(scope="session")
def analysis() -> State:
    """Ice to the north, thin to thick, and a trace of it in open water."""
    grid = tiny_grid((16, 32))
    y = np.arange(16)[:, None] * np.ones(32)
    sic = np.clip((y - 5) / 6, 0, 0.9) * grid.mask
    sic[2, 3] = 2e-4
    sit = sic * np.where(sic > 0, 0.5 + 0.1 * y, 0.0)
    drift = np.where(grid.drift_mask & grid.touched_by(sic > 0), 0.1, 0.0)
    return project(State(np.stack([sic, sit, 0.1 * sit, drift, -drift]), NAMES, grid))[0]
