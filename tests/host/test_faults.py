"""What goes wrong ends the host with one sentence, on any number of ranks, and no file."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support.mpi import mpirun

from esm_coupler.generator.generator import Generator
from esm_coupler.generator.model import save_model

from .run import Host, Run
from .tiny_model import namelist

FULL_DISK = """
import os, resource, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXFSZ})  # a full disk sends no signal
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def assert_failed(run: Run, *words: str) -> None:
    assert run.status != 0
    for word in words:
        assert word in run.stdout + run.stderr
    assert not (run.folder / "ensemble.nc").exists()


@pytest.mark.parametrize("ranks", [1, 2])
def test_a_checkpoint_that_is_not_there(host: Host, ranks: int) -> None:
    text = namelist(host.model).replace("tiny.safetensors", "none.safetensors")
    run = host.run_text(text, ranks)
    assert_failed(run, "none.safetensors")
    assert run.stdout.count("coupler%") == 1


def test_another_grid_than_the_checkpoint_has(host: Host) -> None:
    from esm_coupler.testing import tiny_grid

    tiny_grid((32, 48)).to_netcdf(host.model / "other.nc")
    assert_failed(host.run(2, grid_file=f"'{host.model}/other.nc'"), "coupler%set_domain")


def test_a_date_that_does_not_exist(host: Host) -> None:
    assert_failed(host.run(2, date=19900231), "coupler%generate", "19900231")


def test_a_grid_file_that_is_not_there(host: Host) -> None:
    assert_failed(host.run(grid_file="'none.nc'"), "none.nc", "No such file")


def test_no_namelist_of_the_host(host: Host) -> None:
    assert_failed(host.run_text("&coupler_nml\n/\n"), "&host_nml of host.nml")


def test_an_option_that_the_host_does_not_know(host: Host) -> None:
    assert_failed(host.run(n_dais=3), "n_dais")


def test_no_days(host: Host) -> None:
    assert_failed(host.run(n_days=0), "must be positive")


def test_a_folder_that_is_not_there(host: Host) -> None:
    assert_failed(host.run(output_file="'none/ensemble.nc'"), "none/ensemble.nc")


def test_a_full_disk_is_told_and_leaves_the_old_file(host: Host, tmp_path: Path) -> None:
    (tmp_path / "host.nml").write_text(namelist(host.model, n_days=1))  # a file of 119 kB
    (tmp_path / "ensemble.nc").write_text("old")
    program = (sys.executable, "-c", FULL_DISK, str(host.program), "host.nml")
    done = mpirun(1, *program, cwd=tmp_path)
    assert done.returncode != 0
    assert "host: ensemble.nc: " in done.stderr
    assert (tmp_path / "ensemble.nc").read_text() == "old"


def test_a_model_that_may_not_stop_starts_from_a_climatology_and_its_file_says_so(
    host: Host,
) -> None:
    _write_astray(host.model / "tiny.safetensors", host.model / "astray.safetensors")
    text = namelist(host.model, n_days=1).replace("tiny.safetensors", "astray.safetensors")
    assert_failed(host.run_text(text), "coupler%generate", "went astray")
    run = host.run_text(text + "&coupler_nml\n  on_failure = 'climatology'\n/\n", ranks=2)
    assert run.status == 0, run.stdout + run.stderr
    assert "this is a climatology (fallback 2 of at most 10)" in run.stdout
    ensemble = run.ensemble
    assert ensemble.attrs["fallbacks"] == ensemble.sizes["realization"] == 2
    first, second = ensemble["sic_start"].values
    assert (first == second).all() and (first > 0).any()


def _write_astray(sound: Path, path: Path) -> None:
    """A checkpoint whose denoiser gives millions."""
    generator = Generator.load(sound, device="cpu")
    for parameter in list(generator.model.denoisers[0].parameters())[-2:]:
        parameter.add_(6e4)  # nearly what a float16 can hold
    save_model(path, generator.model, {"note": "for a test"})
