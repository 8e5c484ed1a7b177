"""Hosts and a generator made once per session, and a folder for each test to run in."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler import Generator
from esm_coupler.testing import tiny_checkpoint

from .hosts_build import Hosts, build_hosts
from .scripts import NX, NY


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of executables."""
    return build_hosts(tmp_path_factory.mktemp("hosts"))


@pytest.fixture
def hosts(built: Path, tmp_path: Path) -> Hosts:
    return Hosts(built, tmp_path)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors", (NY, NX))


@pytest.fixture(scope="session")
def generator(checkpoint: Path) -> Generator:
    """The same model through the Python door."""
    return Generator.load(checkpoint, device="cpu", threads=1)
