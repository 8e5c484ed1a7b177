"""The calls of a recording again, without the host, on any number of ranks.

Rank r of n takes over the blocks of the recorded ranks r, r + n, r + 2n, ... in arrays of its own,
real64, which hold what real32 arrays held. Before each call they get what the host handed over
then, so one difference makes no others. Halos were the host's, and are left out.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from cffi import FFI

from ..errors import CheckpointError, Status
from .agree import Agreement, Phases, run
from .domain import Block, largest
from .failure import Verdict
from .mpi import MPI
from .patient import PatientComm
from .recording import RecordedCall, Recording
from .session import Session
from .views import HostArray

Piece = tuple[str, Block, np.ndarray, np.ndarray]

# The checkpoints that a recording's bits depend on: what says so, and where the namelist names it.
_CHECKPOINTS = (
    ("checkpoint_sha256", "generator_nml.checkpoint"),
    ("emulator_sha256", "forecast_nml.checkpoint"),
)
_OVERRIDES = ("coupler_nml.record=", "coupler_nml.log_file=", "coupler_nml.time_limit=0.0")


@dataclass(frozen=True)
class Outcome:
    """One call then and now, the same on all ranks. `status` is None where the call is not made
    again, `recorded` where it did not return. `n_different` counts cells over all fields."""

    number: int
    call: RecordedCall
    status: Status | None
    message: str = ""
    n_different: int = 0
    first: str = ""

    @property
    def is_same(self) -> bool:
        """Whether nothing contradicts the recording."""
        if self.status is None or self.call.status is None:
            return True
        return self.status == self.call.status and not self.n_different


class Replay:
    """A session on `comm` (collective) that is told what the recorded host told its own."""

    def __init__(self, recording: Recording, comm: MPI.Intracomm) -> None:
        self._recording = recording
        self._ranks = recording.ranks[comm.Get_rank() :: comm.Get_size()]
        self._comm = comm
        self._session = Session(Agreement(PatientComm(comm.Dup())))
        self._ffi = FFI()
        self._halo = 0
        self._blocks: list[list[Block]] = [[] for _ in self._ranks]  # of each recorded rank
        self._arrays: dict[str, np.ndarray] = {}

    def start(self, namelist: str, overrides: Sequence[str]) -> Verdict:
        """Start from a file with the recorded namelist. CheckpointError if it is another model."""
        phases = self._session.start(namelist, [*_OVERRIDES, *overrides])
        verdict = run("start", lambda: phases, self._session.agreement)
        if verdict.status:
            return verdict
        here = json.loads(self._session.texts["provenance"])
        then = self._recording.start["provenance"]
        for key, option in _CHECKPOINTS:
            if here.get(key) != then.get(key):
                raise CheckpointError(
                    f"the recording was made with checkpoint {then.get(key)}, this is "
                    f"{here.get(key)}: name the right one with --set {option}=PATH"
                )
        return verdict

    def outcomes(self) -> Iterator[Outcome]:
        """Make the calls after start, one by one."""
        for number in range(1, self._recording.n_calls):
            yield self._outcome(number, [rank.calls[number] for rank in self._ranks])

    def _outcome(self, number: int, calls: list[RecordedCall]) -> Outcome:
        first = self._recording.ranks[0].calls[number]
        if not self._can_be_made(number):
            return Outcome(number, first, None)
        make = getattr(self, f"_{first.name}")
        if first.name in ("generate", "step"):
            self._give(calls)
        verdict = run(first.name, lambda: make(first, calls), self._session.agreement)
        if verdict.status or first.status is None:
            return Outcome(number, first, verdict.status, verdict.text)
        return Outcome(number, first, verdict.status, verdict.text, *self._compare(calls))

    def _can_be_made(self, number: int) -> bool:
        """Not with arguments that were no numbers, nor with arrays that did not fit the blocks, nor
        with files that could not be written or read."""
        calls = [rank.calls[number] for rank in self._recording.ranks]
        fits = calls[0].status != Status.FIELD or calls[0].name in ("generate", "step")
        if calls[0].name == "write_restart":
            fits = calls[0].status in (Status.OK, Status.ORDER, Status.CONFIG)
        if calls[0].name == "read_restart":
            fits = "restart" in calls[0].given
        return fits and all(call.arguments is not None for call in calls)

    def _set_domain(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        said = _arguments(first)
        self._blocks = [[Block(*b) for b in _arguments(call)["blocks"]] for call in calls]
        self._halo = said["halo"]
        every = tuple(block for own in self._blocks for block in own)
        size = said["nx_global"], said["ny_global"]
        return (yield from self._session.set_domain(*size, self._halo, every))

    def _set_mask(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        self._arrays["mask"] = mask = self._new_array(np.dtype(np.int32))
        self._give(calls)
        return (yield from self._session.set_mask(self._host_array("mask", mask)))

    def _bind(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        name = _arguments(first)["name"]
        self._arrays[name] = array = self._new_array(np.dtype(np.float64))
        return (yield from self._session.bind(self._host_array(name, array)))

    def _generate(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        return (yield from self._session.generate(**_arguments(first)))

    def _step(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        return (yield from self._session.step(**_arguments(first)))

    def _write_restart(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        """Into a folder that is removed: the recorded path is the host's."""
        with tempfile.TemporaryDirectory() as folder:
            yield from self._session.write_restart(f"{folder}/restart")

    def _read_restart(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        """What the host's file held then, on the first rank, which alone reads it."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "restart"
            if self._comm.rank == 0:
                self._ranks[0].arrays(calls[0].given)["restart"].tofile(path)
            return (yield from self._session.read_restart(str(path)))

    def _stop(self, first: RecordedCall, calls: Sequence[RecordedCall]) -> Phases:
        return (yield from self._session.stop())

    def _new_array(self, kind: np.dtype[Any]) -> np.ndarray:
        """An array (block, y, x) for all blocks of this rank, one after another."""
        every = [block for own in self._blocks for block in own]
        nx, ny = largest(every)
        return np.zeros((len(every), ny + 2 * self._halo, nx + 2 * self._halo), kind)

    def _host_array(self, name: str, array: np.ndarray) -> HostArray:
        address = self._ffi.cast("void *", array.ctypes.data)
        return HostArray(self._ffi, name, address, array.dtype.type, array.shape[::-1])

    def _give(self, calls: Sequence[RecordedCall]) -> None:
        """Fill the interiors with what the recorded ranks were given."""
        for _, _, mine, recorded in self._pieces([call.given for call in calls]):
            mine[...] = recorded

    def _compare(self, calls: Sequence[RecordedCall]) -> tuple[int, str]:
        """How many cells of all ranks differ from what the recorded ranks got; where first."""
        n_different, first = 0, ""
        for name, block, mine, recorded in self._pieces([call.got for call in calls]):
            different = _bits(mine.astype(recorded.dtype)) != _bits(recorded)
            n_different += int(np.count_nonzero(different))
            if different.any() and not first:
                j, i = np.argwhere(different)[0]
                first = f"'{name}' at i={block.i_first + i}, j={block.j_first + j}"
        found = self._comm.allgather((n_different, first))
        return sum(n for n, _ in found), next((text for _, text in found if text), "")

    def _pieces(self, places: Sequence[Mapping[str, int]]) -> Iterator[Piece]:
        """Field, block, and both interiors (y, x): of this rank's array, of the recorded one."""
        start, h = 0, self._halo
        for rank, own, where in zip(self._ranks, self._blocks, places, strict=True):
            for name, array in rank.arrays(where).items():
                for n, b in enumerate(own):
                    inside = slice(h, h + b.ny), slice(h, h + b.nx)
                    yield name, b, self._arrays[name][start + n][inside], array[n][inside]
            start += len(own)


def _arguments(call: RecordedCall) -> dict[str, Any]:
    """The arguments of a call that can be made again."""
    return call.arguments or {}


def _bits(array: np.ndarray) -> np.ndarray:
    """The same array as whole numbers: a NaN equals itself there, and 0 is not -0."""
    return np.ascontiguousarray(array).view(f"i{array.dtype.itemsize}")
