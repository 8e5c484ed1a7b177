"""Whenever a writer is killed, its file is the old one or the new one, whole."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
import signal
import time
from pathlib import Path

from esm_coupler.atomic import replace_file

KILLS = 150  # every third by SIGTERM, which leaves 100 that no program hears of
N_BYTES = 1_000_000
ENOUGH = 5  # kills that must have met the middle of a write, and as many that must not


def _content(number: int) -> bytes:
    """Bytes that tell whether they are whole."""
    body = number.to_bytes(8, "little") * (N_BYTES // 8)
    return hashlib.sha256(body).digest() + body


def _is_whole(content: bytes) -> bool:
    return content[:32] == hashlib.sha256(content[32:]).digest() and len(content) == N_BYTES + 32


def _start_writer(path: Path, first: int) -> int:
    """A process that replaces the file again and again, and has begun to."""
    there, here = os.pipe()
    process = os.fork()
    if process == 0:
        try:
            os.write(here, b"!")
            for number in itertools.count(first):
                replace_file(path, _content(number))
        finally:
            os._exit(1)
    os.read(there, 1)
    os.close(there)
    os.close(here)
    return process


def _seconds_of_a_write(path: Path) -> float:
    begun = time.monotonic()
    for number in range(5):
        replace_file(path, _content(number))
    return (time.monotonic() - begun) / 5


def test_a_killed_writer_leaves_the_old_file_or_the_new_one(tmp_path: Path) -> None:
    path, moments = tmp_path / "state.bin", random.Random(4)
    longest = min(3 * _seconds_of_a_write(path), 0.2)
    seen = set()
    for kill in range(KILLS):
        writer = _start_writer(path, first=1000 * (kill + 1))
        time.sleep(moments.uniform(0.0, longest))
        os.kill(writer, signal.SIGKILL if kill % 3 else signal.SIGTERM)
        _, status = os.waitpid(writer, 0)
        assert os.WIFSIGNALED(status), "the writer would have gone on for ever"
        content = path.read_bytes()
        assert _is_whole(content)
        seen.add(content[32:40])
    halves = list(tmp_path.glob(".state.bin.*.part"))
    assert len(halves) >= ENOUGH, "writers were killed in the middle of a write"
    assert len(seen) >= ENOUGH, "and others after it"
