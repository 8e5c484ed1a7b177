"""A tiny untrained checkpoint, its grid and a namelist for the reference host, in one folder."""

from __future__ import annotations

import sys
from pathlib import Path

from esm_coupler.testing import tiny_checkpoint, tiny_grid

SHAPE = (16, 32)


def namelist(folder: Path, **host: object) -> str:
    """Text of a namelist for the model in `folder`; `host` goes into &host_nml."""
    settings = {
        "grid_file": f"'{folder}/grid.nc'", "output_file": "'ensemble.nc'", "members": 2,
        "n_days": 10, "block_nx": 7, "block_ny": 5, **host,
    }  # fmt: skip
    lines = "\n".join(f"  {name} = {value}" for name, value in settings.items())
    return (
        f"&generator_nml\n  checkpoint = '{folder}/tiny.safetensors'\n  n_steps = 3\n/\n"
        f"&host_nml\n{lines}\n/\n"
    )


def write_tiny_model(folder: Path) -> Path:
    """tiny.safetensors, grid.nc and host.nml in `folder`; gives the namelist."""
    tiny_checkpoint(folder / "tiny.safetensors", SHAPE)
    tiny_grid(SHAPE).to_netcdf(folder / "grid.nc", overwrite=True)
    (folder / "host.nml").write_text(namelist(folder))
    return folder / "host.nml"


if __name__ == "__main__":
    write_tiny_model(Path(sys.argv[1]))
