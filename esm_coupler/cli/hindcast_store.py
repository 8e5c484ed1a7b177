"""The folder of a `hindcast`: each start as soon as it is done, and the free run month by month."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import replace_file
from ..errors import OutputError

if TYPE_CHECKING:
    from ..verify.free_run import FreeRun


class HindcastStore:
    """`about` is what all that is kept was made with; OutputError if the folder has another."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self.about, self._kept = about, folder / "starts"
        try:
            self._kept.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"cannot make the folder {self._kept}: {error.strerror}; check path and permissions"
            ) from error
        path = self._kept / "about.json"
        if path.exists():
            self._require_same(json.loads(path.read_text(encoding="utf-8")), folder)
        else:
            replace_file(path, (json.dumps(about, indent=2) + "\n").encode())

    def _require_same(self, found: dict[str, Any], folder: Path) -> None:
        for name, value in self.about.items():
            if found.get(name) != value:
                raise OutputError(
                    f"{folder} has hindcasts with {name} = {found.get(name)}, not {value}: choose "
                    "another folder, or remove this one"
                )

    def has(self, date: str) -> bool:
        return self._path(date, "json").exists()

    def load(self, date: str) -> dict[str, Any]:
        return json.loads(self._path(date, "json").read_text(encoding="utf-8"))

    def members(self, date: str) -> np.ndarray:
        """(member, 2, y, x) sic and sit at the last lead."""
        with np.load(self._path(date, "npz"), allow_pickle=False) as file:
            return file["members"]

    def save(self, date: str, scores: dict[str, Any], members: np.ndarray) -> None:
        """The JSON comes last: it says that the start is complete."""
        _write_arrays(self._path(date, "npz"), members=members.astype("f4"))
        replace_file(self._path(date, "json"), (json.dumps(scores) + "\n").encode())

    def free_run(self) -> FreeRun | None:
        """As far as it has come."""
        from ..verify.free_run import TOTALS, FreeRun

        path = self._kept / "free_run.npz"
        if not path.exists():
            return None
        with np.load(path, allow_pickle=False) as file:
            return FreeRun({name: file[name] for name in TOTALS}, file["mended"], file["fields"])

    def save_free_run(self, run: FreeRun) -> None:
        _write_arrays(
            self._kept / "free_run.npz", **run.totals, mended=run.mended, fields=run.fields
        )

    def _path(self, date: str, kind: str) -> Path:
        return self._kept / f"{date}.{kind}"


def _write_arrays(path: Path, **arrays: np.ndarray) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    replace_file(path, content.getvalue())
