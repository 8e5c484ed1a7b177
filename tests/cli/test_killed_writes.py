"""Whenever a writer is killed, its file is the old one or the new one, whole."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.atomic import replace_file
from esm_coupler.coupling.failure import WELL
from esm_coupler.coupling.record import Recorder
from esm_coupler.coupling.recording import Recording
from esm_coupler.coupling.restart import read_restart, write_restart
from esm_coupler.modes.forecast import Clock
from esm_coupler.state import Ensemble
from esm_coupler.testing import tiny_grid

KILLS = 40  # of each of four kinds; every third by SIGTERM, which leaves 104 by SIGKILL in all
ENOUGH = 5  # kills that must have met the middle of a write, and as many that must not
DAY = datetime.date(1990, 3, 1)
NAMES = ("sic", "sit", "snt")
IDENTITY = {"emulator_sha256": "e", "mask_sha256": "m", "seed": 1, "conserve": "no"}
MEMBERS = np.random.default_rng(4).random((8, len(NAMES), 16, 32))


@dataclass(frozen=True)
class Kind:
    """A kind of file: `write` puts a number into it, `read` gets it out of what is whole."""

    write: Callable[[Path, int], object]
    read: Callable[[Path], int]


def _write_bytes(path: Path, number: int) -> None:
    body = number.to_bytes(8, "little") * 125_000
    replace_file(path, hashlib.sha256(body).digest() + body)


def _read_bytes(path: Path) -> int:
    content = path.read_bytes()
    assert len(content) == 1_000_032
    assert content[:32] == hashlib.sha256(content[32:]).digest()
    return int.from_bytes(content[32:40], "little")


def _write_ensemble(path: Path, number: int) -> None:
    """What `esm-coupler generate` writes."""
    members = range(number, number + len(MEMBERS))
    ensemble = Ensemble(MEMBERS + number, tuple(members), NAMES, tiny_grid(), DAY)
    ensemble.to_netcdf(path, overwrite=True)


def _read_ensemble(path: Path) -> int:
    file = xarray.load_dataset(path)
    values = np.stack([file[name].values for name in NAMES], 1)
    assert list(file["sha256"].values) == [hashlib.sha256(v.tobytes()).hexdigest() for v in values]
    return int(file["realization"][0])


def _write_restart(path: Path, number: int) -> None:
    """What a coupler's write_restart writes; the file has a hash of its own."""
    write_restart(path, Clock(number, DAY, np.full((3, 200, 200), float(number))), IDENTITY)


def _read_restart(path: Path) -> int:
    return read_restart(path, IDENTITY)[0].member


KINDS = {
    "bytes": Kind(_write_bytes, _read_bytes),
    "ensemble": Kind(_write_ensemble, _read_ensemble),
    "restart": Kind(_write_restart, _read_restart),
}


def _kill_at_a_moment(work: Callable[[int], object], kill: int, seconds: float) -> None:
    """A process that does work(1), work(2), ... and is killed in one of the first three, which take
    so many seconds each, or later where the machine is busy."""
    there, here = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            for number in itertools.count(1):
                os.write(here, b"!")
                work(number)
        finally:
            os._exit(1)
    os.close(here)
    moment = random.Random(kill)
    try:
        for _ in range(moment.randint(1, 3)):
            os.read(there, 1)
        time.sleep(moment.uniform(0.0, seconds))
    finally:
        os.kill(process, signal.SIGKILL if kill % 3 else signal.SIGTERM)
        _, status = os.waitpid(process, 0)
        os.close(there)
    assert os.WIFSIGNALED(status), "the writer would have gone on for ever"


def _seconds_of(work: Callable[[int], object]) -> float:
    begun = time.monotonic()
    for number in range(3):
        work(number)
    return (time.monotonic() - begun) / 3


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path, kind: Kind) -> None:
    path, seen = tmp_path / "file", set()
    seconds = _seconds_of(lambda number: kind.write(path, number))
    for kill in range(KILLS):
        _kill_at_a_moment(lambda n, k=kill: kind.write(path, 1000 * (k + 1) + n), kill, seconds)
        seen.add(kind.read(path))
    assert len(list(tmp_path.glob(".file.*.part"))) >= ENOUGH, "some were killed in a write"
    assert len(seen) >= ENOUGH, "and others after one"


def _recorder(folder: Path) -> Recorder:
    recorder = Recorder()
    recorder.open(str(folder), 0, megabytes=100)
    recorder.begin("start", format=1, ranks=1, namelist="", provenance={})
    recorder.end("start", WELL)
    return recorder


def _record(recorder: Recorder, number: int) -> None:
    """A step that negates the field it is given."""
    field = np.full((1, 10, 20), float(number))  # less than a file has of buffer
    recorder.begin("step", {"sic": field}, date=19900301, seconds=float(number))
    field *= -1
    recorder.end("step", WELL)


def _require_whole(folder: Path) -> int | None:
    """All calls of a recording have their arrays; gives the status of the last one."""
    (rank,) = Recording(folder).ranks
    for number, call in enumerate(rank.calls[1:], 1):
        assert call.arguments["seconds"] == number
        assert (rank.arrays(call.given)["sic"] == number).all()
        if call.status is not None:
            assert (rank.arrays(call.got)["sic"] == -number).all()
    assert all(call.status == 0 for call in rank.calls[:-1])
    return rank.calls[-1].status


def test_a_killed_recording_has_all_calls_until_then(tmp_path: Path) -> None:
    early, cut = _recorder(tmp_path / "early"), []
    seconds = _seconds_of(lambda number: _record(early, number))
    for kill in range(KILLS):
        recorder = _recorder(tmp_path / str(kill))
        _kill_at_a_moment(lambda n, r=recorder: _record(r, n), kill, seconds)
        recorder.close()
        cut.append(_require_whole(tmp_path / str(kill)) is None)
    assert ENOUGH <= sum(cut) <= KILLS - ENOUGH, "some were killed in a call, others after one"
