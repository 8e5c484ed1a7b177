"""A tiny checkpoint and a namelist that uses it."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler.testing import tiny_checkpoint


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors")


@pytest.fixture
def namelist(tmp_path: Path, checkpoint: Path) -> Path:
    return write_namelist(tmp_path, checkpoint)


def write_namelist(folder: Path, checkpoint: Path) -> Path:
    """Three members of 1 March 1990 into ensemble.nc beside the namelist."""
    file = folder / "run.nml"
    file.write_text(
        f"&generator_nml checkpoint = '{checkpoint}', device = 'cpu', n_steps = 2 /\n"
        f"&ensemble_nml members = 3, date = 19900301, output = '{folder}/ensemble.nc' /\n"
    )
    return file
