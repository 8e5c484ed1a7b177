"""Build the model that looks like CICE, and run it: its state in and out, by level names."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from coupling.layouts import Blocks, write_table
from esm_coupler.hosts.category_bounds import category_bounds
from esm_coupler.hosts.cice_thermo import salinity_profile
from support.cice_template import template_values
from support.mpi import mpirun

MODEL = Path(__file__).parent / "model"
LAYERS, NCAT = 3, 5
SINGLE = ("ocean", "sst", "frzmlt", "uvel", "vvel", "stress", "iceumask")
TRACERS = (
    "Tsfcn",
    *(f"{name}{k:03d}" for name in ("qice", "sice") for k in range(1, LAYERS + 1)),
    "qsno001", "alvl", "vlvl",
)  # fmt: skip
CATEGORIES = ("aicen", "vicen", "vsnon", *TRACERS)
AGGREGATES = ("aice", "vice", "vsno")
Fields = dict[str, np.ndarray]


def build(folder: Path) -> Path:
    """Configure and build against the installed package; gives the folder of the programs."""
    tool = Path(sys.executable).with_name("esm-coupler")
    package = _command(tool, "config", "--cmake-dir").strip()
    _command("cmake", "-S", MODEL, "-B", folder, f"-Desm_coupler_DIR={package}")
    _command("cmake", "--build", folder)
    return folder


def _command(*words: str | Path) -> str:
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def some_state(grid, seed: int = 0) -> Fields:
    """A state of CICE on `grid`: columns of a true restart with open water here and there, drift
    and stresses."""
    rng = np.random.default_rng(seed)
    values = template_values(grid, seed)
    open_water = rng.random(grid.shape) < 0.3
    fields = {}
    for name in CATEGORIES:
        empty = np.where(grid.mask, -1.8, 0.0) if name == "Tsfcn" else 0.0
        fields[name] = np.where(open_water, empty, values[name])
    fields |= {"ocean": grid.mask.astype(float), "sst": np.where(open_water, 2.0, values["sst"])}
    fields["frzmlt"] = np.where(grid.mask, 5.0, 0.0)
    moves = grid.drift_mask & grid.touched_by(fields["aicen"].sum(axis=0) > 0)
    fields["uvel"], fields["vvel"] = np.where(moves, rng.uniform(-1, 1, (2, *grid.shape)), 0.0)
    fields["stress"] = np.where(grid.mask, rng.uniform(-900, 0, grid.shape), 0.0)
    fields["iceumask"] = moves.astype(float)
    return fields


def write_fields(path: Path, fields: Fields) -> None:
    levels = [fields[name][None] for name in SINGLE] + [fields[name] for name in CATEGORIES]
    np.concatenate(levels).astype(np.float64).tofile(path)


def read_fields(path: Path, shape: tuple[int, int]) -> Fields:
    levels = list(np.fromfile(path).reshape(-1, *shape))
    fields = {name: levels.pop(0) for name in SINGLE}
    fields |= {name: np.stack([levels.pop(0) for _ in range(NCAT)]) for name in CATEGORIES}
    fields |= {name: levels.pop(0) for name in AGGREGATES}
    assert not levels
    return fields


def namelist(group: str, keys: Mapping[str, object]) -> str:
    return f"&{group}\n" + "".join(f"  {k} = {_literal(v)}\n" for k, v in keys.items()) + "/\n"


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return ".true." if value else ".false."
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(repr(float(v)) for v in value)
    return f"'{value}'" if isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Run:
    status: int
    printed: str
    errors: str
    folder: Path
    shape: tuple[int, int]

    @property
    def fields(self) -> Fields:
        assert self.status == 0, self.printed + self.errors
        return read_fields(self.folder / "state.out", self.shape)


@dataclass(frozen=True)
class CiceLike:
    """Runs the model in new folders below `folder`, with `coupler` as its esm_coupler.nml."""

    built: Path
    folder: Path
    coupler: str

    def run(
        self, state: Fields, layout: list[Blocks], esm: Mapping[str, object] | str | None,
        **model: object,
    ) -> Run:  # fmt: skip
        """`layout` has the blocks of each rank; `esm` is the group esm_nml, or its text, or
        nothing; `model` goes into the model's own group."""
        folder = self.folder / str(len(list(self.folder.iterdir())))
        folder.mkdir()
        ny, nx = shape = state["ocean"].shape
        write_fields(folder / "state.in", state)
        write_table(folder / "blocks.txt", layout)
        (folder / "esm_coupler.nml").write_text(self.coupler)
        keys = {"nx_global": nx, "ny_global": ny, "limits": category_bounds(NCAT)}
        keys["salinity"] = [*salinity_profile(LAYERS), 3.2]
        text = namelist("model_nml", keys | model)
        if isinstance(esm, Mapping):
            esm = namelist("esm_nml", {"esm_namelist": "esm_coupler.nml"} | dict(esm))
        (folder / "ice_in").write_text(text + (esm or ""))
        done = mpirun(len(layout), self.built / "cice_like", cwd=folder, timeout=180)
        return Run(done.returncode, done.stdout, done.stderr, folder, shape)
