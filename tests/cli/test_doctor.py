"""`esm-coupler doctor` names each fault and says what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler.cli import doctor_files, doctor_libraries, doctor_python
from esm_coupler.cli.finding import Finding
from esm_coupler.testing import tiny_emulator
from support.cli import esm_coupler

ONE_MPI = {"text": "Open MPI v4.1.4, package", "libraries": {"libmpi": ["/usr/lib/libmpi.so.40"]}}
OTHER_MPI = {"text": "", "libraries": {"libmpi": ["/opt/mpich/libmpi.so.12"]}}


def test_a_sound_installation_has_status_0(checkpoint: Path) -> None:
    done = esm_coupler("doctor", "--checkpoint", checkpoint)
    assert done.status == 0, done.out
    for what in ("interpreter", "packages", "torch", "bridge", "MPI", "gfortran", "mpifort",
                 "libraries", "checkpoint"):  # fmt: skip
        assert f"  {what}: " in done.out


def test_a_fault_has_status_1_and_is_counted(tmp_path: Path) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nonsense")
    done = esm_coupler("doctor", "--checkpoint", bad)
    assert done.status == 1
    assert "fault  checkpoint: " in done.out
    assert "bad.safetensors" in done.out
    assert "1 of these are broken" in done.err


def test_a_namelist_is_checked_with_the_checkpoint_that_it_names(
    namelist: Path, checkpoint: Path, tmp_path: Path
) -> None:
    states = [found.state for found in doctor_files.namelist(namelist)]
    assert states == ["ok", "ok"]

    text = namelist.read_text().replace(str(checkpoint), str(tmp_path / "absent.safetensors"))
    namelist.write_text(text)
    _, found = doctor_files.namelist(namelist)
    assert found.state == "fault"
    assert "absent.safetensors" in found.text


def test_the_emulator_of_a_host_is_checked_too(namelist: Path, tmp_path: Path) -> None:
    emulator = tiny_emulator(tmp_path / "emulator.safetensors")
    emulate = f"&coupler_nml step_mode = 'emulate' /\n&forecast_nml checkpoint = '{emulator}' /\n"
    namelist.write_text(namelist.read_text() + emulate)
    assert [found.state for found in doctor_files.namelist(namelist)] == ["ok", "ok", "ok"]
    emulator.unlink()
    *_, found = doctor_files.namelist(namelist)
    assert (found.state, "emulator.safetensors" in found.text) == ("fault", True)


def test_each_fault_of_a_namelist_is_a_finding(tmp_path: Path) -> None:
    file = tmp_path / "run.nml"
    file.write_text("&ensemble_nml members = 0, colour = 2 /\n")
    assert [found.state for found in doctor_files.namelist(file)] == ["fault", "fault"]


@pytest.mark.parametrize("version, state", [((3, 9), "fault"), ((3, 10), "ok"), ((3, 13), "ok"),
                                            ((3, 14), "fault")])  # fmt: skip
def test_an_interpreter_of_an_unsupported_version_is_a_fault(
    version: tuple[int, int], state: str
) -> None:
    found = doctor_python.interpreter(version)
    assert found.state == state
    assert f"{version[0]}.{version[1]}" in found.text


def test_missing_packages_are_named_with_the_command_that_installs_them() -> None:
    found = doctor_python.packages(("numpy", "no-such-package"))
    assert found.state == "fault"
    assert "pip install no-such-package" in found.text


def test_a_torch_that_cannot_be_imported_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib

    def broken(name: str) -> None:
        raise OSError("GLIBCXX_3.4.30 not found")

    monkeypatch.setattr(importlib, "import_module", broken)
    found = doctor_python.gpu()
    assert found.state == "fault"
    assert "GLIBCXX_3.4.30" in found.text


def findings(library: Path) -> dict[str, Finding]:
    return {found.what: found for found in doctor_libraries.findings(library)}


def test_no_bridge_is_a_note_with_the_way_to_get_it(tmp_path: Path) -> None:
    found = findings(tmp_path / "libesm_coupler.so")["bridge"]
    assert found.state == "note"
    assert "install" in found.text


def test_a_bridge_that_cannot_be_loaded_is_a_fault(tmp_path: Path) -> None:
    library = tmp_path / "libesm_coupler.so"
    library.write_bytes(b"not a library")
    found = findings(library)
    assert found["bridge"].state == "fault"
    assert "libesm_coupler.so" in found["bridge"].text
    assert found["libraries"].state != "fault", "the others are still checked"


def test_two_mpi_libraries_are_a_fault_that_names_both() -> None:
    found = doctor_libraries.mpi_library(ONE_MPI, OTHER_MPI)
    assert found.state == "fault"
    assert "/usr/lib/libmpi.so.40" in found.text
    assert "/opt/mpich/libmpi.so.12" in found.text
    assert "pip install" in found.text


def test_one_mpi_library_is_sound_with_and_without_a_bridge() -> None:
    assert doctor_libraries.mpi_library(ONE_MPI, ONE_MPI).state == "ok"
    assert doctor_libraries.mpi_library(ONE_MPI, None).state == "ok"


def test_an_mpi4py_without_a_library_is_a_fault() -> None:
    found = doctor_libraries.mpi_library({"error": "libmpi.so not found"}, None)
    assert found.state == "fault"
    assert "libmpi.so not found" in found.text


def test_a_missing_compiler_is_a_note_with_its_package() -> None:
    found = doctor_libraries.compiler("no-such-compiler", "gfortran")
    assert found.state == "note"
    assert "apt-get install gfortran" in found.text


def test_a_library_loaded_twice_is_told_and_mpi_twice_is_a_fault() -> None:
    twice = {"libraries": {"libgomp": ["/a/libgomp.so.1", "/b/libgomp.so.1"], "libmpi": ["/m"]}}
    found = doctor_libraries.duplicates(twice)
    assert found.state == "note"
    assert "/a/libgomp.so.1 and /b/libgomp.so.1" in found.text
    assert doctor_libraries.duplicates({"libraries": {"libmpi": ["/a", "/b"]}}).state == "fault"
    assert doctor_libraries.duplicates({"libraries": {"libmpi": ["/a"]}}).state == "ok"
