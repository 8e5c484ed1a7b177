"""namelists/demo.nml, the default checkpoint and the host: what make demo runs, for one member."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from esm_coupler.generator.generator import Generator

from .run import ROOT, Run
from support.mpi import mpirun


@pytest.fixture(scope="module")
def demo(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("demo")
    (folder / "demo").mkdir()
    text = (ROOT / "namelists" / "demo.nml").read_text()
    # of the host's own group, which is the last
    head, group, tail = text.partition("&host_nml")
    (folder / "demo.nml").write_text(head + group + re.sub(r"members +=.*", "members = 1", tail))
    Generator.load("default").grid.to_netcdf(folder / "demo" / "grid.nc")
    done = mpirun(2, program, "demo.nml", cwd=folder, timeout=300)
    return Run(folder / "demo", done.returncode, done.stdout, done.stderr)


def test_the_demo_ends_well(demo: Run) -> None:
    assert demo.status == 0, demo.stdout + demo.stderr
    assert [call.name for call in demo.calls] == ["generate", "step"]


def test_the_generated_state_is_an_arctic_march(demo: Run) -> None:
    generated = demo.calls[0]
    assert 9 < generated.extent < 15  # 10^6 km2
    assert 12 < generated.volume < 35  # 10^3 km3


def test_the_projection_has_little_to_do(demo: Run) -> None:
    ocean = int(demo.ensemble["mask"].sum())
    assert demo.calls[0].before < 0.05 * ocean


def test_the_model_runs_on_from_it_in_bounds_and_with_closed_books(demo: Run) -> None:
    assert demo.calls[1].before == 0
    assert max(abs(residual) for residual in demo.residuals) < 1e-12
    ratio = demo.calls[1].volume / demo.calls[0].volume
    assert 0.95 < ratio < 1.15  # half a month of late winter
