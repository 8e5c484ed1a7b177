"""The fenced blocks of README.md and docs/*.md."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
UNIT = re.compile(r"^\s*(program|module|subroutine|function)\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One block: the document, the line of its first line, the language of its fence."""

    document: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.document.name}:{self.line}"


def snippets(*languages: str) -> list[Snippet]:
    """All blocks of these languages, or of all languages."""
    found = [block for document in documents() for block in blocks(document)]
    return [block for block in found if not languages or block.language in languages]


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(document: Path) -> list[Snippet]:
    text = document.read_text(encoding="utf-8")
    return [
        Snippet(document, text.count("\n", 0, match.start()) + 2, match.group(1), match.group(2))
        for match in FENCE.finditer(text)
    ]


def commands(snippet: Snippet) -> list[list[str]]:
    """The words of each command of a shell block, without comments."""
    lines = snippet.text.replace("\\\n", " ").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def is_complete(snippet: Snippet) -> bool:
    """Whether a Fortran block is a program unit rather than a few statements."""
    return bool(UNIT.search(snippet.text))
