"""Hosts built once per session, and a folder for each test to run them in."""

from __future__ import annotations

from pathlib import Path

import pytest

from .hosts_build import Hosts, build_hosts


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of executables."""
    return build_hosts(tmp_path_factory.mktemp("hosts"))


@pytest.fixture
def hosts(built: Path, tmp_path: Path) -> Hosts:
    return Hosts(built, tmp_path)
