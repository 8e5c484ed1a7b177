"""MPI program: the recording in a folder, replayed on 1, 2, ... of its ranks, one after another."""

from __future__ import annotations

import sys
from pathlib import Path

from esm_coupler.cli.replay import replay_on
from esm_coupler.coupling.mpi import MPI
from esm_coupler.coupling.recording import Recording

MPI.Init()
for ranks in range(1, MPI.COMM_WORLD.size + 1):
    part = MPI.COMM_WORLD.Split(0 if MPI.COMM_WORLD.rank < ranks else MPI.UNDEFINED)
    if part != MPI.COMM_NULL:
        replay_on(Recording(Path(sys.argv[1])), [], part)
MPI.Finalize()
