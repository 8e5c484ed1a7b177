"""How tests run MPI programs: through tools/mpirun.sh, which knows the settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

MPIRUN = Path(__file__).parents[2] / "tools" / "mpirun.sh"


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
        [str(MPIRUN), "-n", str(n), str(exe), *args],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=os.environ | dict(env or {}),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        check=False,
    )
