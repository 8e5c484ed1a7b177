"""The curve of a training: a CSV that grows as it goes."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ..atomic import replace_file


class Curve:
    """Rows of step, seconds, training loss and validation figures, one per saved state.

    A training that resumes from `step` keeps the rows up to it.
    """

    def __init__(self, path: Path, step: int = 0) -> None:
        self._path = path
        self._rows: list[dict[str, str]] = []
        if step and path.is_file():
            with open(path, newline="", encoding="utf-8") as file:
                self._rows = [row for row in csv.DictReader(file) if int(row["step"]) <= step]

    def add(self, step: int, seconds: float, figures: dict[str, float]) -> None:
        """One more row; OutputError if the file cannot be written."""
        row = {"step": str(step), "seconds": f"{seconds:.1f}"}
        self._rows.append(row | {name: f"{value:.6g}" for name, value in figures.items()})
        text = io.StringIO()
        # a resumed training may have got more figures than the one that was stopped
        names = dict.fromkeys(name for row in self._rows for name in row)
        writer = csv.DictWriter(text, list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self._rows)
        replace_file(self._path, text.getvalue().encode())
