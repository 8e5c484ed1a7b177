"""What a host handed over and got back at each call, on disk, so that a fault can be sent.

Each rank appends to two files of its own in the folder `record` of &coupler_nml: arrays in npy
format, one behind the other, to `rank_00000.arrays`, and then lines of JSON to `rank_00000.jsonl`,
one before each call and one after it. Both are synchronised each time, so what a run leaves that
dies in a call is whole, and ends with that call. An array that did not change is not written again.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError, OutputError
from .failure import Verdict

FORMAT = 1
_MEGABYTE = 10**6
_CHANGING = ("generate", "step")


def rank_files(folder: Path, rank: int) -> tuple[Path, Path]:
    """The lines and the arrays of one rank."""
    stem = f"rank_{rank:05d}"
    return folder / f"{stem}.jsonl", folder / f"{stem}.arrays"


class RankFiles:
    """Both files of one rank, of at most `megabytes` together."""

    def __init__(self, folder: str, rank: int, megabytes: int) -> None:
        """ConfigError if there is a recording already, or none can be."""
        self.folder = folder
        self._most = megabytes
        self._left = megabytes * _MEGABYTE
        self._offsets: dict[str, int] = {}  # where the array of this sha256 lies
        try:
            Path(folder).mkdir(exist_ok=True)
            self._lines, self._arrays = (open(p, "xb") for p in rank_files(Path(folder), rank))
        except FileExistsError:
            raise ConfigError(
                f"record = '{folder}' in &coupler_nml holds a recording: move it, or name another"
            ) from None
        except OSError as error:
            raise ConfigError(
                f"record = '{folder}' in &coupler_nml cannot be written: {error.strerror}"
            ) from None

    def append(self, line: Mapping[str, Any], name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """A line whose entry `name` says where the arrays lie, behind these. OSError, or
        OutputError where that would be too much."""
        places = {field: self._place(array) for field, array in arrays.items()}
        self._arrays.flush()
        os.fsync(self._arrays.fileno())
        self._put(self._lines, json.dumps({**line, name: places}).encode() + b"\n")
        self._lines.flush()
        os.fsync(self._lines.fileno())

    def _place(self, array: np.ndarray) -> int:
        """The offset of an array, written where no equal one is."""
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._offsets:
            offset = self._arrays.tell()
            self._put(self._arrays, content)
            self._offsets[digest] = offset
        return self._offsets[digest]

    def _put(self, file: io.BufferedWriter, content: bytes) -> None:
        if len(content) > self._left:
            raise OutputError(f"it has reached record_mb = {self._most}")
        self._left -= len(content)
        file.write(content)

    def close(self) -> None:
        self._lines.close()
        self._arrays.close()


class Recorder:
    """The recording of one rank; without `open` it does nothing. It never fails a call: where it
    cannot go on it ends, and the message of that call says so."""

    def __init__(self) -> None:
        self._files: RankFiles | None = None
        self._views: dict[str, np.ndarray] = {}
        self._is_begun = False
        self._note = ""

    def open(self, folder: str, rank: int, megabytes: int) -> None:
        """Begin, unless `folder` is empty; ConfigError as of RankFiles."""
        if folder:
            self._files = RankFiles(folder, rank, megabytes)

    def begin(
        self, call: str, views: Mapping[str, np.ndarray] | None = None, **arguments: Any
    ) -> None:
        """Before a call: its arguments, and `views` of the host's arrays as they are."""
        self._is_begun, self._views = True, dict(views or {})
        self._append({"call": call, "arguments": arguments}, "given")

    def end(self, call: str, verdict: Verdict) -> Verdict:
        """After it: its verdict, and the views as they are now if it may have changed them. Gives
        the verdict, with a note if the recording has ended."""
        if not self._is_begun:  # its arguments could not even be read
            self._append({"call": call, "arguments": None}, "given")
        if call not in _CHANGING:
            self._views = {}
        self._append({"status": int(verdict.status), "message": verdict.text}, "got")
        self._is_begun, self._views = False, {}
        if call == "stop":
            self.close()
        note, self._note = self._note, ""
        return Verdict(verdict.status, "\n".join(filter(None, (verdict.text, note))))

    def close(self) -> None:
        if self._files is not None:
            self._files.close()
        self._files = None

    def _append(self, line: Mapping[str, Any], name: str) -> None:
        if self._files is None:
            return
        try:
            self._files.append(line, name, self._views)
        except (OSError, OutputError, MemoryError) as error:
            folder, self._files = self._files.folder, None
            self._note = f"note: this rank's recording in '{folder}' ends with this call: {error}"
