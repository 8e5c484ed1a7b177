"""What make demo and make test do on machines that this one is not."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from .run import ROOT

TOOLS = ROOT / "tools"
SHELL = ("bash", "env", "id", "readlink", "cat", "mkdir", "dirname", "wc", "tail", "python3")
ALL = ("gfortran", "cc", "c++", "mpirun", "mpicc", "mpif90", "pkg-config")


@dataclass(frozen=True)
class Machine:
    """A PATH of its own: a few tools of the shell, and what a test puts there."""

    bin: Path

    def has(self, *names: str, does: str = "exit 0") -> Machine:
        for name in names:
            (self.bin / name).write_text(f"#!/bin/bash\n{does}\n")
            (self.bin / name).chmod(0o755)
        return self

    def run(self, tool: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(TOOLS / tool), *arguments], capture_output=True, text=True, check=False,
            env=os.environ | {"PATH": str(self.bin)}, stdin=subprocess.DEVNULL, timeout=60, cwd=self.bin,
        )  # fmt: skip

    def asked_for(self) -> str:
        """What apt-get was called with."""
        log = self.bin / "apt.log"
        return log.read_text() if log.exists() else ""


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Root, with apt-get and nothing to build with."""
    for name in SHELL:
        found = shutil.which(name)
        assert found is not None
        (tmp_path / name).symlink_to(found)
    made = Machine(tmp_path)
    made.has("apt-get", does=f'echo "$@" >> {tmp_path}/apt.log')
    (tmp_path / "id").unlink()
    return made.has("id", does="echo 0")


def test_a_complete_machine_installs_nothing(machine: Machine) -> None:
    assert machine.has(*ALL).run("system_packages.sh", "python3").returncode == 0
    assert machine.asked_for() == ""


def test_a_fresh_machine_installs_what_is_missing(machine: Machine) -> None:
    done = machine.run("system_packages.sh", "python3")
    assert done.returncode == 0, done.stderr
    for package in ("gfortran", "gcc", "g++", "openmpi-bin", "libopenmpi-dev", "libnetcdff-dev"):
        assert package in machine.asked_for().split()


def test_what_is_there_is_not_installed_again(machine: Machine) -> None:
    machine.has(*ALL).has("pkg-config", does="exit 1")
    machine.run("system_packages.sh", "python3")
    assert machine.asked_for().splitlines()[-1].endswith("recommends libnetcdff-dev")


def test_without_root_one_sentence_names_packages_and_modules(machine: Machine) -> None:
    done = machine.has("id", does="echo 1000").has("sudo", does="exit 1").run(
        "system_packages.sh", "python3"
    )  # fmt: skip
    assert done.returncode == 1
    assert machine.asked_for() == ""
    assert len(done.stderr.splitlines()) == 1
    for word in ("gfortran", "libnetcdff-dev", "module load gcc openmpi netcdf-fortran", "root"):
        assert word in done.stderr


def test_sudo_without_a_password_is_used(machine: Machine) -> None:
    machine.has("id", does="echo 1000").has("sudo", does='shift; exec "$@"').has("true")
    assert machine.run("system_packages.sh", "python3").returncode == 0
    assert "libnetcdff-dev" in machine.asked_for()


def test_without_apt_get_one_sentence_says_so(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    done = machine.run("system_packages.sh", "python3")
    assert done.returncode == 1
    assert "there is no apt-get here" in done.stderr


@pytest.mark.parametrize("name", ["python3", "python3.12"])
def test_the_first_python_that_fits_is_taken(machine: Machine, name: str) -> None:
    (machine.bin / "python3").unlink()
    machine.has(name)
    assert machine.run("find_python.sh").stdout.strip() == name


def test_a_long_command_is_silent_until_it_fails(machine: Machine, tmp_path: Path) -> None:
    log = str(tmp_path / "log" / "pip.log")
    machine.has("good", does="echo fine").has("bad", does="echo first; echo reason >&2; exit 3")
    done = machine.run("quietly.sh", log, "good")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    done = machine.run("quietly.sh", log, "bad", "option")
    assert done.returncode == 1
    assert "reason" in done.stderr and "failed: bad option" in done.stderr
    assert "fine" not in done.stderr
    assert "fine" in Path(log).read_text()


def test_ci_runs_make_test_and_nothing_else() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    commands = [line for line in lines if not line.startswith(("#", "set ", "cd "))]
    assert commands == ["make test"]
