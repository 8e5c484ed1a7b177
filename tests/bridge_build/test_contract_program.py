"""The program of the design compiles unchanged, in every kind of build that models are made in,
and gives the same bits on any number of ranks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.bridge import compile_fortran, write_generator
from support.mpi import mpirun

from esm_coupler.testing import tiny_checkpoint

SOURCE = Path(__file__).parent / "hosts" / "contract.f90"
BUILDS = {
    "plain": ("-O0", "-g"),
    "traps": ("-g", "-O1", "-ffpe-trap=invalid,zero,overflow", "-fcheck=all"),
    "fast": ("-Ofast",),
}
NX, NY, SIDE, HALO = 32, 16, 8, 1


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The program in each build."""
    return {
        name: compile_fortran(SOURCE, tmp_path_factory.mktemp(name) / "contract", *flags)
        for name, flags in BUILDS.items()
    }


@pytest.fixture(scope="module")
def expected(
    programs: dict[str, Path], checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> np.ndarray:
    """The fields of the plain build on one rank."""
    return run_contract(programs["plain"], 1, tmp_path_factory.mktemp("one") / "run", checkpoint)


def run_contract(program: Path, n_ranks: int, folder: Path, checkpoint: Path) -> np.ndarray:
    """Fields (2, NY, NX) that the host found in its own arrays."""
    (folder / "namelists").mkdir(parents=True)
    write_generator(folder, checkpoint).rename(folder / "namelists" / "demo.nml")
    done = mpirun(n_ranks, program, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == done.stderr == ""
    fields = np.full((2, NY, NX), np.nan)
    for path in folder.glob("block_*.bin"):
        i, j = (int(part) - 1 for part in path.stem.split("_")[1:])
        block = np.fromfile(path).reshape(2, SIDE + 2 * HALO, SIDE + 2 * HALO)
        fields[:, j : j + SIDE, i : i + SIDE] = block[:, HALO:-HALO, HALO:-HALO]
        block[:, HALO:-HALO, HALO:-HALO] = -99.0
        assert (block == -99.0).all(), "the halo is the host's"
    return fields


def test_the_program_gets_a_bounded_arctic(expected: np.ndarray) -> None:
    sic, sit = expected
    assert ((sic >= 0) & (sic <= 1) & (sit >= 0)).all()
    assert ((sic > 0) == (sit > 0)).all()
    assert 0 < sic.max()
    assert (sic[:, 0] == 0).all(), "land"


@pytest.mark.parametrize(
    ("build", "n_ranks"), [("plain", 2), ("plain", 3), ("traps", 2), ("fast", 2)]
)
def test_each_build_gets_the_same_bits_on_any_number_of_ranks(
    programs: dict[str, Path], expected: np.ndarray, checkpoint: Path, tmp_path: Path,
    build: str, n_ranks: int,
) -> None:  # fmt: skip
    fields = run_contract(programs[build], n_ranks, tmp_path / "run", checkpoint)
    assert fields.tobytes() == expected.tobytes()
