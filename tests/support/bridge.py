"""The installed bridge, and hosts that are compiled against it outside the source tree."""

from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest


def bridge_prefix() -> Path:
    """Folder of the bridge in this environment; the test fails where it is not installed."""
    prefix = Path(sysconfig.get_path("platlib")) / "esm_coupler"
    if not (prefix / "lib" / "libesm_coupler.so").is_file():
        pytest.fail(f"the bridge is not installed in {prefix}: run 'pip install .' first")
    return prefix


def run(command: Sequence[str | Path], **options: object) -> subprocess.CompletedProcess[str]:
    """Run a build step; the test fails with its output if it fails."""
    words = [str(part) for part in command]
    done = subprocess.run(words, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{done.args}\n{done.stdout}\n{done.stderr}"
    return done


def compile_fortran(source: Path, program: Path, *flags: str) -> Path:
    """Compile a Fortran host against the bridge, with module files beside the program."""
    prefix = bridge_prefix()
    modules = next(prefix.glob("include/*/esm_coupler.mod")).parent
    libraries = [prefix / "lib" / "libesm_coupler_fortran.a", *_shared_library(prefix)]
    here = f"-J{program.parent}"
    run(["mpif90", *flags, here, f"-I{modules}", source, "-o", program, *libraries])
    return program


def compile_c(source: Path, program: Path, *flags: str) -> Path:
    """Compile a C host against the bridge."""
    prefix = bridge_prefix()
    include = f"-I{prefix / 'include'}"
    run(["mpicc", "-Wall", include, source, "-o", program, *_shared_library(prefix), *flags])
    return program


def _shared_library(prefix: Path) -> list[str]:
    folder = prefix / "lib"
    return [f"-L{folder}", f"-Wl,-rpath,{folder}", "-lesm_coupler"]


def write_loopback(folder: Path, *lines: str) -> Path:
    """A namelist for a coupler that loops its fields back; more lines go into its group."""
    path = folder / "loopback.nml"
    keys = ["engine = 'loopback'", "log_file = ''", *lines]
    path.write_text("&coupler_nml\n" + "".join(f"  {key}\n" for key in keys) + "/\n")
    return path


def write_generator(folder: Path, checkpoint: Path) -> Path:
    """A namelist for a coupler with a generator on the CPU, of few steps."""
    path = folder / "generator.nml"
    path.write_text(
        f"&coupler_nml\n  engine = 'generator'\n  log_file = ''\n/\n"
        f"&generator_nml\n  checkpoint = '{checkpoint}'\n  device = 'cpu'\n  n_steps = 2\n/\n"
    )
    return path
