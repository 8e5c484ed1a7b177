"""The stub builds anywhere with a compiler alone, and says that it has no generator."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.bridge import bridge_prefix, run

HOSTS = Path(__file__).parent / "hosts"
STUB = Path(__file__).parents[2] / "fortran_bridge" / "stub"
SAID = "all no generator: T 0.25\nthis build has no generator: the host was linked with the stub"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stub from its own CMakeLists, without MPI, Python or the bridge."""
    folder = tmp_path_factory.mktemp("stub")
    build, target = folder / "build", folder / "installed"
    options = ["-DCMAKE_DISABLE_FIND_PACKAGE_MPI=ON", f"-DCMAKE_INSTALL_PREFIX={target}"]
    run(["cmake", "-S", STUB, "-B", build, "-DCMAKE_INSTALL_LIBDIR=lib", *options])
    run(["cmake", "--build", build])
    run(["cmake", "--install", build])
    return target


def test_a_host_is_linked_with_the_stub_without_mpi(installed: Path, tmp_path: Path) -> None:
    host = tmp_path / "host"
    library = installed / "lib" / "libesm_coupler_stub.a"
    include = f"-I{installed / 'include'}"
    run(["gfortran", include, HOSTS / "stub_host.f90", library, "-o", host])
    assert run([host]).stdout.startswith(SAID)
    assert not re.search("mpi|python", run(["ldd", host]).stdout)


def test_the_stub_of_the_package_takes_the_same_host(tmp_path: Path) -> None:
    host = tmp_path / "host"
    prefix = bridge_prefix()
    modules = next(prefix.glob("include/*/esm_coupler.mod")).parent
    library = prefix / "lib" / "libesm_coupler_stub.a"
    run(["mpif90", f"-I{modules}", HOSTS / "stub_host.f90", library, "-o", host])
    assert run([host]).stdout.startswith(SAID)


def test_stub_and_bridge_offer_the_same_functions() -> None:
    prefix = bridge_prefix()
    header = (prefix / "include" / "esm_coupler.h").read_text()
    declared = set(re.findall(r"^(?:int |const char \*)(esm_\w+)\(", header, flags=re.MULTILINE))
    assert len(declared) == 13
    for flags, library in (("-D", "libesm_coupler.so"), ("-g", "libesm_coupler_stub.a")):
        symbols = run(["nm", flags, "--defined-only", prefix / "lib" / library]).stdout
        assert set(re.findall(r" T (esm_\w+)$", symbols, flags=re.MULTILINE)) == declared
