"""MPI program: what each call of a recording sends, as docs/architecture.md has it.

Usage: tools/mpirun.sh -n 4 python tests/host/count_messages.py tests/host/recording
Rank 1 prints a line a call on stderr: how many collective calls, with the bytes of a rank in them,
and how many messages with fields; rank 0 on stdout what `esm-coupler replay` does. Two ranks on one
stream would mix their lines.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from esm_coupler.cli.replay import replay_on
from esm_coupler.coupling import replay
from esm_coupler.coupling.agree import run
from esm_coupler.coupling.mpi import MPI
from esm_coupler.coupling.patient import PatientComm
from esm_coupler.coupling.recording import Recording
from esm_coupler.coupling.route import Route

counts: Counter[str] = Counter()


def counted(kind: type, name: str, say: Callable[..., str]) -> None:
    """Count the calls of a method by what `say` makes of its arguments."""
    genuine = getattr(kind, name)

    def call(*arguments: Any, **options: Any) -> None:
        counts[say(*arguments)] += 1
        genuine(*arguments, **options)

    setattr(kind, name, call)


def counted_run(name: str, *arguments: Any) -> Any:
    counts.clear()
    verdict = run(name, *arguments)
    if MPI.COMM_WORLD.rank == 1:
        sent = ", ".join(f"{n} {what}" for what, n in sorted(counts.items()))
        print(f"{name}: {sent}", file=sys.stderr, flush=True)
    return verdict


MPI.Init()
for name in ("Allreduce", "Allgather", "Bcast", "Gatherv"):
    counted(PatientComm, name, lambda _, buffer, *__, n=name: f"{n} of {buffer.nbytes} bytes")
counted(Route, "gather", lambda route: f"message to rank 0 of {route._own.cells.nbytes} bytes")
counted(Route, "scatter", lambda route: f"message from rank 0 of {route._own.buffer.nbytes} bytes")
replay.run = counted_run
replay_on(Recording(Path(sys.argv[1])), [], MPI.COMM_WORLD)
MPI.Finalize()
