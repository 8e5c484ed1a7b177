"""Record the reference host, as tests/host/recording was.

Usage: python tests/host/make_recording.py SEA_ICE_HOST FOLDER
A loopback gives the host its own states back, so the recording holds on any processor and with any
torch: two members from smooth fields, five days of the host's physics, several blocks on two ranks.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import xarray

from esm_coupler.grid import Grid
from esm_coupler.testing import tiny_grid

ROOT = Path(__file__).parents[2]
SHAPE = (12, 16)
NAMELIST = """\
&coupler_nml
  engine = 'loopback'
  log_file = ''
  record = 'recording'
/
&host_nml
  grid_file = 'grid.nc'
  analysis_file = 'analysis.nc'
  members = 2
  n_days = 5
  block_nx = 5
  block_ny = 5
/
"""


def analysis(grid: Grid) -> xarray.Dataset:
    """Ice that is thickest at one side and drifts, none on land: (y, x)."""
    ny, nx = grid.shape
    y, x = np.meshgrid(np.arange(ny) / ny, np.arange(nx) / nx, indexing="ij")
    sic = np.clip(1.4 - 1.6 * x, 0, 1) * grid.mask
    fields = {
        "sic": sic, "sit": 2.5 * sic * (1 - 0.5 * y), "snt": 0.2 * sic,
        "siu": 0.1 * sic * np.cos(6 * y), "siv": 0.1 * sic * np.sin(6 * x),
    }  # fmt: skip
    return xarray.Dataset({name: (("y", "x"), values) for name, values in fields.items()})


def record(program: Path, folder: Path) -> None:
    """Run the host where nothing but its own files is, and move the recording to `folder`."""
    grid = tiny_grid(SHAPE)
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        grid.to_netcdf(here / "grid.nc")
        analysis(grid).to_netcdf(here / "analysis.nc")
        (here / "host.nml").write_text(NAMELIST)
        launcher = ROOT / "tools" / "mpirun.sh"
        subprocess.run([launcher, "-n", "2", program, "host.nml"], cwd=here, check=True)
        folder.mkdir(exist_ok=True)
        for path in (here / "recording").iterdir():
            (folder / path.name).write_bytes(path.read_bytes())


if __name__ == "__main__":
    record(Path(sys.argv[1]).resolve(), Path(sys.argv[2]))
