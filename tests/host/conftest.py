"""The host and its tiny model, built once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from .run import Host, Run, build_host
from .tiny_model import write_tiny_model


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_host(tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="session")
def host(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Host:
    model = tmp_path_factory.mktemp("model")
    write_tiny_model(model)
    return Host(program, model, tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def a_run(host: Host) -> Run:
    """Two members, ten days, two ranks, several blocks a rank."""
    run = host.run(ranks=2)
    assert run.status == 0, run.stderr
    return run
