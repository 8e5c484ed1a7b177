"""Build the reference host once, run it in a folder, and read what it printed and wrote."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import xarray
from support.mpi import mpirun

from .tiny_model import namelist

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Call:
    """A row of the table: a generate or a step of the coupler."""

    member: int
    date: int
    name: str
    extent: float
    volume: float
    before: int
    after: int
    seconds: float


@dataclass(frozen=True)
class Run:
    """What a run left behind."""

    folder: Path
    status: int
    stdout: str
    stderr: str

    @property
    def calls(self) -> list[Call]:
        kinds = (int, int, str, float, float, int, int, float)
        rows = re.findall(r"^ *\d+ +\d{8} .*$", self.stdout, re.MULTILINE)
        return [Call(*(kind(w) for kind, w in zip(kinds, r.split(), strict=True))) for r in rows]

    @property
    def residuals(self) -> list[float]:
        """Of area, ice volume and snow volume, member by member."""
        return [float(text) for text in re.findall(r"residual +(\S+)", self.stdout)]

    @property
    def ensemble(self) -> xarray.Dataset:
        """The whole file, in memory."""
        return xarray.load_dataset(self.folder / "ensemble.nc")

    @property
    def output(self) -> bytes:
        return (self.folder / "ensemble.nc").read_bytes()


def build_host(folder: Path) -> Path:
    """Configure and build as the coupling guide says; gives the program."""
    tool = Path(sys.executable).with_name("esm-coupler")
    where = subprocess.run(
        [tool, "config", "--cmake-dir"], capture_output=True, text=True, check=True
    ).stdout.strip()
    source = ROOT / "fortran_bridge" / "host"
    _succeed("cmake", "-S", str(source), "-B", str(folder), f"-Desm_coupler_DIR={where}")
    _succeed("cmake", "--build", str(folder))
    return folder / "sea_ice_host"


def _succeed(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


@dataclass(frozen=True)
class Host:
    """Runs the host with the tiny model in `model`, each time in a new folder below `folder`."""

    program: Path
    model: Path
    folder: Path

    def run(self, ranks: int = 1, **settings: object) -> Run:
        """`settings` go into &host_nml, as they stand in a namelist."""
        return self.run_text(namelist(self.model, **settings), ranks)

    def run_text(self, text: str, ranks: int = 1, timeout: float = 120) -> Run:
        """Run with this namelist."""
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        (folder / "host.nml").write_text(text)
        done = mpirun(ranks, self.program, "host.nml", cwd=folder, timeout=timeout)
        return Run(folder, done.returncode, done.stdout, done.stderr)
