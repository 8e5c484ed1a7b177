"""The model, its generator and one state, made once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler import Generator
from esm_coupler.testing import tiny_checkpoint, tiny_grid

from .model_run import CiceLike, Fields, build, namelist, some_state

STEPS = 3


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("cice"))


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="session")
def generator(checkpoint: Path) -> Generator:
    """The same model through the Python door."""
    return Generator.load(checkpoint, device="cpu", threads=1)


@pytest.fixture(scope="session")
def coupler(checkpoint: Path) -> str:
    """The library's own namelist."""
    return namelist("generator_nml", {"checkpoint": str(checkpoint), "n_steps": STEPS})


@pytest.fixture(scope="session")
def model(built: Path, coupler: str, tmp_path_factory: pytest.TempPathFactory) -> CiceLike:
    return CiceLike(built, tmp_path_factory.mktemp("runs"), coupler)


@pytest.fixture(scope="session")
def state() -> Fields:
    return some_state(tiny_grid())
