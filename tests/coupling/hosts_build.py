"""Build the test hosts against the installed package, and run their scripts."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from support.mpi import mpirun

SOURCES = Path(__file__).parent / "hosts"


@dataclass(frozen=True)
class Call:
    """One call of one rank: `changes` names what it changed in the host's process."""

    verb: str
    status: int
    changes: str
    message: str


@dataclass(frozen=True)
class Run:
    """What every rank wrote down: `ranks[r]` in the order of the script."""

    ranks: list[list[Call]]
    printed: str

    def last(self, verb: str) -> list[Call]:
        """The last call of this kind on each rank that made one."""
        found = [[call for call in calls if call.verb == verb] for calls in self.ranks]
        return [calls[-1] for calls in found if calls]

    def status(self, verb: str) -> set[int]:
        """The statuses of the last call of this kind: one number if all ranks agree."""
        return {call.status for call in self.last(verb)}

    def message(self, verb: str) -> str:
        """The text of that call on the first rank."""
        return self.last(verb)[0].message

    def values(self, verb: str) -> list[int]:
        """The first number of every call of this kind, on all ranks."""
        return [call.status for calls in self.ranks for call in calls if call.verb == verb]

    def changes(self) -> set[str]:
        """All that any call changed in a host's process."""
        return {call.changes for calls in self.ranks for call in calls} - {""}


def build_hosts(folder: Path) -> Path:
    """Configure and build all hosts in `folder`."""
    tool = Path(sys.executable).with_name("esm-coupler")
    package = _command(str(tool), "config", "--cmake-dir").strip()
    _command("cmake", "-S", str(SOURCES), "-B", str(folder), f"-Desm_coupler_DIR={package}")
    _command("cmake", "--build", str(folder), "--parallel", "2")
    return folder


def _command(*words: str) -> str:
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{' '.join(words)}\n{result.stdout}\n{result.stderr}"
    return result.stdout


@dataclass(frozen=True)
class Hosts:
    """Runs scripts in a folder of its own: relative names in a script are files there."""

    built: Path
    folder: Path

    def run(
        self,
        script: str,
        ranks: int = 1,
        build: str = "plain",
        env: Mapping[str, str] | None = None,
        limit: float = 90,
    ) -> Run:
        """Carry a script out. The library must not print, nor change anything of the host."""
        run = self.launch(script, ranks, build, env, limit)
        assert run.printed == ""
        assert run.changes() == set()
        return run

    def run_each(self, scripts: Mapping[str, str], ranks: int = 1) -> dict[str, Run]:
        """Carry out scripts that know nothing of each other in one process a rank, which starts
        Python once: what `run` gives of each."""
        run = self.run("anew\n".join(scripts.values()), ranks)
        parts = [_parted(calls) for calls in run.ranks]
        return {name: Run(list(own), "") for name, *own in zip(scripts, *parts, strict=True)}

    def launch(
        self,
        script: str,
        ranks: int = 1,
        build: str = "plain",
        env: Mapping[str, str] | None = None,
        limit: float = 90,
    ) -> Run:
        """Carry a script out, whatever is printed."""
        (self.folder / "script.txt").write_text(script)
        done = mpirun(
            ranks, self.built / f"scripted_{build}", "script.txt", "out",
            timeout=limit, env=env, cwd=self.folder,
        )  # fmt: skip
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return Run([self._calls(rank) for rank in range(ranks)], done.stdout + done.stderr)

    def _calls(self, rank: int) -> list[Call]:
        lines = (self.folder / f"out.{rank}").read_text().removesuffix("\n").split("\n")
        parts = [line.split("\t") for line in lines if line]
        return [Call(v, int(s), c.strip(), m.replace("\x1e", "\n")) for v, s, c, m in parts]

    def write(self, name: str, text: str) -> str:
        """Put a file into the folder; gives its name."""
        (self.folder / name).write_text(text)
        return name

    def python(self, name: str, code: str) -> str:
        """A file of Python code for the verb `python`."""
        return self.write(name, code)

    def loopback(self, **keys: object) -> str:
        """A namelist for the engine that gives back what it gets."""
        return self.namelist("loopback.nml", coupler={"engine": "loopback", **keys})

    def namelist(self, name: str, **groups: Mapping[str, object]) -> str:
        """A namelist of groups such as coupler={...}."""
        blocks = [
            f"&{group}_nml\n" + "".join(f"  {k} = {_literal(v)}\n" for k, v in keys.items()) + "/\n"
            for group, keys in groups.items()
        ]
        return self.write(name, "".join(blocks))


def _parted(calls: list[Call]) -> list[list[Call]]:
    """The calls of each script, which "anew" parts."""
    parts: list[list[Call]] = [[]]
    for call in calls:
        if call.verb == "anew":
            parts.append([])
        else:
            parts[-1].append(call)
    return parts


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str | os.PathLike) else str(value)
