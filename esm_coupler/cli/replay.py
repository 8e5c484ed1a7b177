"""`esm-coupler replay`: the calls of a recorded host again, compared bit by bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import EsmCouplerError
from .arguments import Overrides

if TYPE_CHECKING:
    from mpi4py import MPI

    from ..coupling.recording import Recording
    from ..coupling.replay import Outcome

# As many ranks as asked for, on any number of cores, which those that wait leave to the others.
_ANY_RANKS = {
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "OMPI_MCA_mpi_yield_when_idle": "1",
}
_PREFIX = "esm-coupler: "


def replay(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A recording: record = in &coupler_nml.")
    ],
    ranks: Annotated[int, typer.Option(min=1, help="On so many ranks, by mpirun.")] = 1,
    sets: Overrides = [],  # noqa: B006 (typer reads it)
) -> None:
    """Make the recorded calls again without the host; status 1 at the first difference.

    \b
    Example:
      esm-coupler replay recording --ranks 2
      esm-coupler replay recording --set generator_nml.checkpoint=received.safetensors
    """
    from ..coupling.recording import Recording

    recording = Recording(folder)
    if ranks > 1:
        _run_on(ranks, folder, sets)
    else:
        _run_here(recording, sets)


def _run_on(ranks: int, folder: Path, sets: list[str]) -> None:
    """The same command under mpirun; what its ranks say is said once."""
    launcher = shutil.which("mpirun") or shutil.which("mpiexec")
    if launcher is None:
        raise EsmCouplerError(
            f"there is no mpirun on PATH: start '{Path(sys.argv[0]).name} replay {folder}' on "
            f"{ranks} ranks as this machine does it"
        )
    words = [sys.executable, "-P", "-m", "esm_coupler.cli", "replay", str(folder)]
    for text in sets:
        words += ["--set", text]
    done = subprocess.run(
        [launcher, "-n", str(ranks), *words],
        env=_ANY_RANKS | dict(os.environ), stdout=None, stderr=subprocess.PIPE, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith(_PREFIX)]
        raise EsmCouplerError(said[0].removeprefix(_PREFIX) if said else done.stderr.strip())


def _run_here(recording: Recording, sets: list[str]) -> None:
    """On the ranks that this process is one of."""
    from ..coupling.mpi import MPI

    MPI.Init()
    comm = MPI.COMM_WORLD
    try:
        replay_on(recording, sets, comm)
    except EsmCouplerError as error:  # the same on all ranks: one of them says it
        if comm.rank == 0:
            raise
        raise SystemExit(1) from error
    finally:
        MPI.Finalize()


def replay_on(recording: Recording, sets: list[str], comm: MPI.Intracomm) -> None:
    """Make the calls on the ranks of `comm`; EsmCouplerError at the first difference, on all."""
    from ..coupling.replay import Replay

    say = typer.echo if comm.rank == 0 else _say_nothing
    say(
        f"recorded on {len(recording.ranks)} ranks: {recording.n_calls} calls, "
        f"{recording.n_bytes / 1e6:.2f} MB; replayed on {comm.size}"
    )
    replay = Replay(recording, comm)
    with tempfile.TemporaryDirectory() as folder:
        namelist = Path(folder) / "recorded.nml"
        namelist.write_text(recording.start["namelist"], encoding="utf-8")
        started = replay.start(str(namelist), sets)
    if started.status:
        raise EsmCouplerError(f"the replay cannot start: {started.text}")
    say(f"{'call':>4}  {'':10} {'arguments':32} {'then':>6} {'now':>6}  bits")
    for outcome in replay.outcomes():
        say(_row(outcome))
        if not outcome.is_same:
            raise EsmCouplerError(_difference(outcome))
    say("the same bits")


def _say_nothing(text: str) -> None:
    """On all ranks but one."""


def _row(outcome: Outcome) -> str:
    call = outcome.call
    shown = {k: v for k, v in (call.arguments or {}).items() if not isinstance(v, list)}
    arguments = " ".join(f"{name}={value}" for name, value in shown.items())
    then = "-" if call.status is None else str(call.status)
    now = "-" if outcome.status is None else str(int(outcome.status))
    return (
        f"{outcome.number:4}  {call.name:10} {arguments:32} {then:>6} {now:>6}  {_bits(outcome)}"
    )


def _bits(outcome: Outcome) -> str:
    if outcome.status is None:
        return "not made again: its arguments were refused"
    if outcome.call.status is None:
        return "did not return then"
    if not outcome.call.got:
        return ""
    return f"{outcome.n_different} differ" if outcome.n_different else "same"


def _difference(outcome: Outcome) -> str:
    what = f"call {outcome.number} ({outcome.call.name}) differs from the recording: "
    if outcome.status != outcome.call.status:
        then, now = outcome.call.message or "no message", outcome.message or "no message"
        return (
            f"{what}status {outcome.call.status} then ({then.splitlines()[0]}), "
            f"{int(outcome.status or 0)} now ({now.splitlines()[0]})"
        )
    return f"{what}{outcome.n_different} values, the first of them {outcome.first}"
