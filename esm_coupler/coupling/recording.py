"""A recording as it is read again: see record.py for what lies in its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ConfigError
from .record import FORMAT, rank_files


@dataclass(frozen=True)
class RecordedCall:
    """One call of one rank. `arguments` are None where they could not be read, `status` where the
    call did not return. `given` and `got` say where arrays lie."""

    name: str
    arguments: dict[str, Any] | None
    given: dict[str, int]
    status: int | None
    message: str
    got: dict[str, int]


class RankRecording:
    """What one rank wrote: its calls in order, and its arrays when they are asked for."""

    def __init__(self, folder: Path, rank: int) -> None:
        """ConfigError if a file is missing or is not what a recording has."""
        self._lines, self._arrays = rank_files(folder, rank)
        try:
            text = self._lines.read_bytes()
            self.n_bytes = len(text) + self._arrays.stat().st_size
            self.calls = _calls(text)
        except OSError as error:
            raise ConfigError(f"recording {error.filename}: {error.strerror}") from None
        except (ValueError, KeyError, TypeError):
            raise ConfigError(f"{self._lines} is damaged: a line is not of a recording") from None

    def arrays(self, places: Mapping[str, int]) -> dict[str, np.ndarray]:
        """The arrays (block, y, x) that lie at these places; ConfigError if they do not."""
        try:
            with open(self._arrays, "rb") as file:
                return {name: _array_at(file, place) for name, place in places.items()}
        except (OSError, ValueError, EOFError):
            raise ConfigError(f"{self._arrays} is damaged: no array where one should be") from None


class Recording:
    """The recordings of all ranks of one coupler."""

    def __init__(self, folder: Path) -> None:
        """ConfigError if `folder` is not a whole recording of this version."""
        first = RankRecording(folder, 0)
        start = first.calls[0].arguments if first.calls else None
        if start is None or start.get("format") != FORMAT:
            raise ConfigError(f"{folder} is not a recording that this esm_coupler reads")
        self.start = start
        others = [RankRecording(folder, rank) for rank in range(1, start["ranks"])]
        self.ranks = [first, *others]

    @property
    def n_calls(self) -> int:
        """Calls that all ranks have begun."""
        return min(len(rank.calls) for rank in self.ranks)

    @property
    def n_bytes(self) -> int:
        return sum(rank.n_bytes for rank in self.ranks)


def _calls(text: bytes) -> list[RecordedCall]:
    """A line before and a line after each call; a run that died may lack the last one, or leave a
    part of it."""
    lines = [json.loads(line) for line in text.split(b"\n")[:-1]]
    pairs = zip(lines[::2], [*lines[1::2], *([{}] if len(lines) % 2 else [])], strict=True)
    return [
        RecordedCall(
            before["call"], before["arguments"], before["given"],
            after.get("status"), after.get("message", ""), after.get("got", {}),
        )
        for before, after in pairs
    ]  # fmt: skip


def _array_at(file: Any, place: int) -> np.ndarray:
    file.seek(place)
    return np.lib.format.read_array(file, allow_pickle=False)
