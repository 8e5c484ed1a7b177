"""What `pip install .` does with a bridge, without one, and where something is missing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.bridge import bridge_prefix

SOURCE = Path(__file__).parents[2]
NO_COMPILERS = {"CC": "/no/such/cc", "FC": "/no/such/fortran"}
HOW_TO_SWITCH_OFF = "pip install . -C cmake.define.ESM_COUPLER_BRIDGE=OFF"


def pip_install(
    target: Path, *settings: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Install from the source tree into a folder, offline."""
    options = [word for setting in settings for word in ("-C", f"cmake.define.{setting}")]
    return subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--no-deps", "--no-build-isolation",
            "--no-index", "--target", str(target), *options, str(SOURCE),
        ],
        capture_output=True, text=True, check=False, env=os.environ | (env or {}),
    )  # fmt: skip


@pytest.fixture(scope="module")
def pure(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package without its bridge, on a machine without compilers."""
    target = tmp_path_factory.mktemp("pure")
    done = pip_install(target, "ESM_COUPLER_BRIDGE=OFF", env=NO_COMPILERS)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


def run_pure(pure: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(pure)}, cwd=pure, timeout=120,
    )  # fmt: skip


def test_without_the_bridge_the_python_package_is_whole(pure: Path) -> None:
    assert not (pure / "esm_coupler" / "lib").exists()
    done = run_pure(pure, "-c", "import esm_coupler; print(esm_coupler.__file__)")
    assert done.stdout.strip() == str(pure / "esm_coupler" / "__init__.py"), done.stderr


def test_without_the_bridge_its_flags_are_refused_in_one_sentence(pure: Path) -> None:
    done = run_pure(pure, "-m", "esm_coupler.cli", "config", "--libs")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "was installed without its bridge" in done.stderr


def test_checkpoints_data_and_model_cards_are_in_the_package(pure: Path) -> None:
    def contents(root: Path) -> set[Path]:
        kinds = ("*.safetensors", "*.nc", "*.md", "*.py")
        return {path.relative_to(root) for kind in kinds for path in root.rglob(kind)}

    assert contents(pure / "esm_coupler") == contents(SOURCE / "esm_coupler")


@pytest.mark.parametrize(
    ("settings", "env", "sentence"),
    [
        ((), {"FC": "/no/such/fortran"},
         "needs a Fortran compiler, which is not here: apt-get install gfortran (on a cluster"),
        (("CMAKE_DISABLE_FIND_PACKAGE_MPI=ON",), {},
         "which is not here: apt-get install libopenmpi-dev openmpi-bin (on a cluster"),
    ],
    ids=["no Fortran compiler", "no MPI"],
)  # fmt: skip
def test_what_the_bridge_lacks_is_told_in_one_sentence(
    settings: tuple[str, ...], env: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    done = pip_install(tmp_path / "target", *settings, env=env)
    output = done.stdout + done.stderr
    assert done.returncode != 0
    told = {line.strip() for line in output.splitlines() if sentence in line}
    assert len(told) == 1, output
    assert HOW_TO_SWITCH_OFF in told.pop()


def test_the_bridge_is_installed_with_module_header_and_source() -> None:
    prefix = bridge_prefix()
    wanted = (
        "include/esm_coupler.h",
        "share/src/esm_coupler.F90",
        "lib/libesm_coupler_fortran.a",
        "lib/libesm_coupler_stub.a",
        "bin/bridge_bench",
    )
    assert [name for name in wanted if not (prefix / name).is_file()] == []
    assert len(list(prefix.glob("include/*/esm_coupler.mod"))) == 1
