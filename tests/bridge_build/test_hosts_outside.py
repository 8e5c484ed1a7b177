"""A modeller builds a host outside the source tree, each in the way of its own build system."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from support.bridge import bridge_prefix, run, write_loopback
from support.mpi import mpirun

HOSTS = Path(__file__).parent / "hosts"
WELL = "status 0 sic 0.25"


@pytest.fixture
def config() -> Path:
    return Path(sysconfig.get_path("scripts")) / "esm-coupler"


@pytest.fixture(scope="module")
def cmake_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hosts of all kinds, built by CMake from a copy of their sources."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(HOSTS, folder / "source")
    where = f"-Desm_coupler_DIR={bridge_prefix() / 'lib' / 'cmake' / 'esm_coupler'}"
    run(["cmake", "-S", folder / "source", "-B", folder / "build", where])
    run(["cmake", "--build", folder / "build", "-j2"])
    return folder / "build"


def test_cmake_finds_the_package_for_a_fortran_host(cmake_build: Path, tmp_path: Path) -> None:
    assert WELL in mpirun(1, cmake_build / "fortran_host", str(write_loopback(tmp_path))).stdout


def test_cmake_finds_the_package_for_a_cpp_host(cmake_build: Path, tmp_path: Path) -> None:
    assert WELL in mpirun(1, cmake_build / "cpp_host", str(write_loopback(tmp_path))).stdout


def test_cmake_finds_the_package_for_a_c_host(cmake_build: Path, tmp_path: Path) -> None:
    output = mpirun(1, cmake_build / "c_host", str(write_loopback(tmp_path))).stdout
    assert output.count("start 0") == 2


def test_cmake_links_a_host_with_the_stub(cmake_build: Path) -> None:
    output = mpirun(1, cmake_build / "stub_host", "any.nml").stdout
    assert "status 4 this build has no generator" in output


def test_a_host_of_another_compiler_takes_the_source_of_the_fortran_face(tmp_path: Path) -> None:
    """Another compiler is feigned: the tag of the module's compiler is changed in a copy."""
    prefix = tmp_path / "site" / "esm_coupler"
    shutil.copytree(bridge_prefix(), prefix, ignore=shutil.ignore_patterns("*.py", "data"))
    package = prefix / "lib" / "cmake" / "esm_coupler"
    module = next(prefix.glob("include/*/esm_coupler.mod"))
    config = package / "esm_couplerConfig.cmake"
    config.write_text(config.read_text().replace(module.parent.name, "OtherCompiler-1"))
    module.unlink()
    shutil.copytree(HOSTS, tmp_path / "source")
    build = tmp_path / "build"
    run(["cmake", "-S", tmp_path / "source", "-B", build, f"-Desm_coupler_DIR={package}"])
    run(["cmake", "--build", build, "--target", "fortran_host"])
    assert WELL in mpirun(1, build / "fortran_host", str(write_loopback(tmp_path))).stdout


def test_pkg_config_builds_a_fortran_host(tmp_path: Path) -> None:
    search = {"PKG_CONFIG_PATH": str(bridge_prefix() / "lib" / "pkgconfig")}
    asked = run(["pkg-config", "--cflags", "--libs", "esm_coupler"], env=os.environ | search)
    program = tmp_path / "host"
    run(["mpif90", HOSTS / "host.f90", *asked.stdout.split(), "-o", program])
    assert WELL in mpirun(1, program, str(write_loopback(tmp_path))).stdout


def test_esm_coupler_config_builds_a_fortran_host(config: Path, tmp_path: Path) -> None:
    flags = run([config, "config", "--fflags", "--libs"]).stdout.split()
    program = tmp_path / "host"
    run(["mpif90", HOSTS / "host.f90", *flags, "-o", program])
    assert WELL in mpirun(1, program, str(write_loopback(tmp_path))).stdout


def test_esm_coupler_config_builds_a_cpp_host(config: Path, tmp_path: Path) -> None:
    compile_flags = run([config, "config", "--cflags"]).stdout.split()
    link_flags = run([config, "config", "--libs"]).stdout.split()
    program = tmp_path / "host"
    run(["mpicxx", *compile_flags, HOSTS / "host.cpp", *link_flags, "-o", program])
    assert WELL in mpirun(1, program, str(write_loopback(tmp_path))).stdout


def test_esm_coupler_config_names_folders_that_exist(config: Path) -> None:
    answer = run([config, "config", "--prefix", "--cmake-dir", "--pkg-config-dir"])
    folders = [Path(line) for line in answer.stdout.splitlines()]
    assert [folder.is_dir() for folder in folders] == [True, True, True]
    assert folders[0] == bridge_prefix()


def test_esm_coupler_config_without_an_option_is_wrong_usage(config: Path) -> None:
    done = subprocess.run([str(config), "config"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--fflags" in done.stderr
