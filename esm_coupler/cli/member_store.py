"""Members that are made but not yet in the final file, so that a killed run goes on from there."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import replace_file
from ..errors import OutputError


class MemberStore:
    """One safetensors file per member in a folder beside the output.

    `key` holds all that a state depends on but the member (checkpoint, date, seed, ...): a part
    of another key is made again.
    """

    def __init__(self, output: Path, key: dict[str, Any]) -> None:
        self.folder = output.with_name(f"{output.name}.parts")
        self._output = output
        self._key = key

    def __enter__(self) -> MemberStore:
        """Make the folder; OutputError if it cannot be had."""
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {self.folder} for unfinished members: {error.strerror}; "
                "check the permissions and the space left"
            ) from error
        return self

    def __exit__(self, *exception: object) -> None:
        """Leave no empty folder; parts stay for the next run to go on from."""
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def load(self, member: int, shape: tuple[int, int, int]) -> np.ndarray | None:
        """Values (field, y, x) of a member that was made before, or None."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self._path(member), framework="numpy") as file:
                values = file.get_tensor("values")
                found = file.metadata()
        # A part that cannot be read is no part.
        except (SafetensorError, OSError, ValueError, KeyError):
            return None
        return values if found == self._label(member, values) and values.shape == shape else None

    def save(self, member: int, values: np.ndarray) -> None:
        """Write values (field, y, x) whole or not at all; OutputError says why not."""
        from safetensors.numpy import save

        values = np.ascontiguousarray(values)
        replace_file(self._path(member), save({"values": values}, self._label(member, values)))

    def remove(self) -> None:
        """Delete the parts, and what a killed run left of one or of the output."""
        parts = self.folder.glob("member_*.safetensors")
        halves = self.folder.glob(".member_*.part")
        output_halves = self._output.parent.glob(f".{glob.escape(self._output.name)}.*.part")
        for path in [*parts, *halves, *output_halves]:
            path.unlink(missing_ok=True)

    def _path(self, member: int) -> Path:
        return self.folder / f"member_{member:06d}.safetensors"

    def _label(self, member: int, values: np.ndarray) -> dict[str, str]:
        """What a part is of, and the hash that tells a damaged one."""
        key = json.dumps(self._key | {"member": member}, sort_keys=True)
        return {"key": key, "sha256": hashlib.sha256(values.tobytes()).hexdigest()}
