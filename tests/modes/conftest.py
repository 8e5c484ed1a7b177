"""Small untrained generators in two spaces, an emulator, and a state to start from."""

from __future__ import annotations

import pytest

from esm_coupler.generator.emulator import Emulator
from esm_coupler.generator.generator import Generator
from esm_coupler.state import State
from esm_coupler.testing import tiny_checkpoint, tiny_emulator, tiny_grid
from support.tiny_pyramid import tiny_pyramid
from support.weather import icy_state


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
    return icy_state(tiny_grid((16, 32)))


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    path = tiny_emulator(tmp_path_factory.mktemp("emulator") / "tiny.safetensors")
    return Emulator.load(path, device="cpu")
