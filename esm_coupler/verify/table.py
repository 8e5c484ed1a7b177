"""A table of scores, for a terminal and for a report alike."""

from __future__ import annotations

from dataclasses import dataclass

DASH = "–"


@dataclass(frozen=True)
class Table:
    """A title, a sentence on what it says, column headings and rows of text."""

    title: str
    note: str
    header: list[str]
    rows: list[list[str]]
