"""The one place that knows how to run MPI programs on a machine of tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_FLAGS = ("--oversubscribe",)  # more ranks than cores
_SETTINGS = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",  # a rank that waits leaves its core to one that works
}
# A rank that waits leaves its core to the one that it waits for.
_PATIENT = {"OMPI_MCA_mpi_yield_when_idle": "1"}


def mpirun(
    n: int,
    exe: Path | str,
    *args: str,
    timeout: float = 120,
    env: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a program on n ranks. `env` adds to the environment; TimeoutExpired after `timeout` s."""
    return subprocess.run(
        ["mpirun", *_flags(), "-n", str(n), str(exe), *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | _AS_ROOT | _PATIENT | dict(env or {}),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def _flags() -> tuple[str, ...]:
    """Open MPI wants to be told; others take more ranks than cores as it is."""
    version = subprocess.run(["mpirun", "--version"], capture_output=True, text=True, check=True)
    return _FLAGS if "Open MPI" in version.stdout else ()
