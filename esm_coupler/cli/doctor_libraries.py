"""The doctor on the bridge's library, MPI, compilers, and libraries that are loaded twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .finding import Finding

BRIDGE = Path(__file__).parents[1] / "lib" / "libesm_coupler.so"
SECONDS = 120

# Each runs in a process of its own: a library that is loaded stays, and a wrong one may crash.
_LIST = """
import json
from pathlib import Path
from esm_coupler.coupling.libraries import loaded_libraries
found = {family: sorted({str(Path(path).resolve()) for path in paths})
         for family, paths in loaded_libraries().items()}
print(json.dumps({"libraries": found, "text": text}))
"""
_LOAD_BRIDGE = "import ctypes\ntext = ctypes.CDLL({path!r})._name\n"
_LOAD_MPI4PY = (
    "import mpi4py\nmpi4py.rc(initialize=False, finalize=False)\nfrom mpi4py import MPI\n"
    "text = MPI.Get_library_version()\n"
)
_LOAD_TORCH = "import torch\n"


def findings(library: Path = BRIDGE) -> Iterator[Finding]:
    """All of this file."""
    load_bridge = _LOAD_BRIDGE.format(path=str(library))
    bridge = _probe(load_bridge) if library.is_file() else None
    mpi4py = _probe(_LOAD_MPI4PY)
    yield bridge_library(library, bridge)
    yield mpi_library(mpi4py, bridge)
    for name, packages in (("gfortran", "gfortran"), ("mpifort", "libopenmpi-dev openmpi-bin")):
        yield compiler(name, packages)
    loadable = load_bridge if bridge and "libraries" in bridge else ""
    yield duplicates(_probe(loadable + _LOAD_MPI4PY + _LOAD_TORCH))


def bridge_library(library: Path, probe: dict[str, Any] | None) -> Finding:
    """Whether the bridge is there and can be loaded; `probe` is None if there is no file."""
    if probe is None:
        text = f"{library} is not there, so no Fortran or C host can be linked; "
        remedy = "install a compiler and an MPI, then esm_coupler again without switching it off"
        return Finding("bridge", "note", text + remedy)
    if "error" in probe:
        text = f"{library} cannot be loaded ({probe['error']}); install esm_coupler again here"
        return Finding("bridge", "fault", text)
    return Finding("bridge", "ok", f"{library} loads")


def mpi_library(mpi4py: dict[str, Any], bridge: dict[str, Any] | None) -> Finding:
    """Whether mpi4py and the bridge use one MPI library: with two, a host cannot start."""
    rebuild = "'pip install --force-reinstall --no-binary mpi4py mpi4py' builds it for yours"
    if "error" in mpi4py:
        text = f"mpi4py cannot be loaded ({mpi4py['error']}); {rebuild}"
        return Finding("MPI", "fault", text)
    own = mpi4py["libraries"].get("libmpi", [])
    version = mpi4py["text"].split(",")[0].strip()
    hosts = (bridge or {}).get("libraries", {}).get("libmpi", own)
    if own != hosts:
        text = f"mpi4py uses {', '.join(own)}, the bridge {', '.join(hosts)}; {rebuild}"
        return Finding("MPI", "fault", text)
    return Finding("MPI", "ok", f"{version} ({', '.join(own)}) for mpi4py and bridge")


def compiler(name: str, packages: str) -> Finding:
    """Whether a compiler is there: needed to build hosts, not to run them."""
    path = shutil.which(name)
    if path is None:
        remedy = f"to build a host, 'apt-get install {packages}' or load the cluster's module"
        return Finding(name, "note", f"not on PATH; {remedy}")
    return Finding(name, "ok", path)


def duplicates(probe: dict[str, Any]) -> Finding:
    """Whether bridge, mpi4py and torch together load a library twice."""
    if "error" in probe:
        text = f"bridge, mpi4py and torch cannot be loaded together ({probe['error']}); "
        return Finding("libraries", "fault", text + "install all of them in one environment")
    twice = {family: paths for family, paths in probe["libraries"].items() if len(paths) > 1}
    if not twice:
        return Finding("libraries", "ok", "none is loaded twice")
    listed = "; ".join(f"{family} from {' and '.join(paths)}" for family, paths in twice.items())
    if "libmpi" in twice:
        return Finding("libraries", "fault", f"{listed}; load one MPI module only")
    # torch's wheel brings its own OpenMP, which does no harm beside the host's.
    return Finding("libraries", "note", f"{listed}; keep it in mind if a host crashes in one")


def _probe(code: str) -> dict[str, Any]:
    """What a fresh process says that runs `code`, or {'error': its last words}."""
    # The working directory must not put its own torch.py first (Python 3.11 and newer).
    environment = {**os.environ, "PYTHONSAFEPATH": "1"}
    try:
        done = subprocess.run(
            [sys.executable, "-c", code + _LIST],
            env=environment, capture_output=True, text=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return {"error": f"no answer in {SECONDS} s"}
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        return {"error": last}
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
