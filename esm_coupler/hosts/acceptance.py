"""What a check of a restart found: which rule, how bad, how many cells, the worst of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Verdict = Literal["abort", "swallow", "note"]


@dataclass(frozen=True)
class Finding:
    """`what` is broken in `cells` cells, worst of all with `value` at `place`: (i, j) or
    (category, i, j), counted from 1, of the restart's own arrays.

    verdict: the model would stop (abort), or run on with another state (swallow); a note is what
    a model's own states have too.
    """

    what: str
    verdict: Verdict
    cells: int
    place: tuple[int, ...] = ()
    value: float = 0.0

    @property
    def fatal(self) -> bool:
        return self.cells > 0 and self.verdict != "note"

    @property
    def where(self) -> str:
        names = ("category", "i", "j")[-len(self.place) :]
        return ", ".join(f"{n}={k}" for n, k in zip(names, self.place, strict=True))

    def __str__(self) -> str:
        return f"{self.what} in {self.cells} cells, worst {self.value:.9g} at {self.where}"


def finding(
    what: str, verdict: Verdict, broken: np.ndarray, values: np.ndarray,
    badness: np.ndarray | None = None,
) -> Finding:  # fmt: skip
    """Finding of the points `broken` (..., j, i), worst where `badness` is largest or not a number;
    by default that is the size of the values."""
    broken = np.asarray(broken)
    if not broken.any():
        return Finding(what, verdict, 0)
    size = np.abs(values) if badness is None else badness
    size = np.where(broken, np.where(np.isnan(size), np.inf, size), -np.inf)
    worst = np.unravel_index(np.argmax(size), broken.shape)
    *category, j, i = (int(index) + 1 for index in worst)
    return Finding(what, verdict, int(broken.sum()), (*category, i, j), float(values[worst]))


def grouped(what: str, verdict: Verdict, found: Iterable[Finding]) -> list[Finding]:
    """The broken ones of several alike findings, or one that says that none is."""
    return [one for one in found if one.cells] or [Finding(what, verdict, 0)]


def table(findings: Iterable[Finding]) -> str:
    """One line a check: what, verdict, cells, worst cell and value."""
    header = ("what", "verdict", "cells", "worst at", "value")
    rows = [header, *(_row(found) for found in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    return "\n".join(_line(row, widths) for row in rows)


def _row(found: Finding) -> tuple[str, ...]:
    if not found.cells:
        return found.what, "ok", "0", "", ""
    return found.what, found.verdict, str(found.cells), found.where, f"{found.value:.9g}"


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
