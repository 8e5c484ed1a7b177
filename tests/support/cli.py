"""The command line as a user meets it: status, standard output, standard error."""

from __future__ import annotations

import contextlib
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

# The installed command; in a source tree that is not installed, its module.
_INSTALLED = Path(sys.executable).with_name("esm-coupler")
COMMAND = [str(_INSTALLED)] if _INSTALLED.exists() else [sys.executable, "-m", "esm_coupler.cli"]


@dataclass(frozen=True)
class Outcome:
    status: int
    out: str
    err: str

    def sentence(self) -> str:
        """The one line that a failed command says."""
        lines = self.err.strip().splitlines()
        if self.status != 1 or len(lines) != 1:
            raise AssertionError(f"not one sentence and status 1: {self}")
        return lines[0]


def esm_coupler(*arguments: str | Path) -> Outcome:
    """Run `esm-coupler ARGUMENTS` in this process, which is quick."""
    from esm_coupler.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    argv = ["esm-coupler", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv):
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = _status(main, err)
    return Outcome(status, out.getvalue(), err.getvalue())


def _status(main: Callable[[], None], err: io.StringIO) -> int:
    """The exit status; a text given to sys.exit goes to stderr, as the interpreter does it."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            err.write(end.code + "\n")
            return 1
        return end.code or 0
    return 0


def esm_coupler_process(
    *arguments: str | Path, cwd: Path | None = None, limit: Callable[[], None] | None = None
) -> Outcome:
    """Run `esm-coupler ARGUMENTS` in a process of its own; `limit` runs in it first."""
    done = subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=cwd, capture_output=True, text=True, preexec_fn=limit, check=False,
    )  # fmt: skip
    return Outcome(done.returncode, done.stdout, done.stderr)
