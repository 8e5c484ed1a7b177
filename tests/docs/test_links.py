"""Every relative link and image of the documents leads to a file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.snippets import ROOT

DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "esm_coupler").rglob("README.md")),
]
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
REFERENCE = re.compile(r"^\[[^\]]+\]:\s*<?([^\s>]+)", re.MULTILINE)
ATTRIBUTE = re.compile(r"""<(?:a|img)\b[^>]*?(?:href|src)=["']([^"']+)""")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def targets(text: str) -> list[str]:
    """Files that links outside code lead to, without their anchors."""
    prose = CODE.sub("", text)
    found = [target for kind in (LINK, REFERENCE, ATTRIBUTE) for target in kind.findall(prose)]
    return [target.partition("#")[0] for target in found if not ELSEWHERE.match(target)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    linked = targets(document.read_text(encoding="utf-8"))
    assert [target for target in linked if not (document.parent / target).exists()] == []


def test_links_of_all_kinds_are_found() -> None:
    text = """[a](a.md) ![b](b.png "title") [![c](c.png)](d.md#part) <img src="e.png"> [f]
    `[no](no.md)` [no](https://no.org) [no](#part)
    ```text
    [no](no.md)
    ```
    [f]: f.md
    """.replace("\n    ", "\n")
    assert sorted(targets(text)) == ["a.md", "b.png", "c.png", "d.md", "e.png", "f.md"]
