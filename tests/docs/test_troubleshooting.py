"""docs/troubleshooting.md has messages that the code really says, in alphabetical order."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

from support.snippets import ROOT

DOCUMENT = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.*)`$", DOCUMENT, re.MULTILINE)
C_TEXT = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


@functools.cache
def texts_of_the_code() -> str:
    """All literal texts of the package and of the bridge, one a line."""
    python = [_python_texts(path) for path in sorted((ROOT / "esm_coupler").rglob("*.py"))]
    c = [_c_texts(path) for path in sorted((ROOT / "fortran_bridge").rglob("*.c"))]
    return "\n".join(python + c).replace("`", "")


def _python_texts(path: Path) -> str:
    constants = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Constant))
    return "\n".join(node.value for node in constants if isinstance(node.value, str))


def _c_texts(path: Path) -> str:
    """Neighbouring texts are one; a conversion such as %s parts them."""
    joined = re.sub(r'"\s*\n?\s*"', "", path.read_text())
    return "\n".join(re.sub(r"%[sd]", "\n", text) for text in C_TEXT.findall(joined))


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_one_that_the_code_says(message: str) -> None:
    for part in message.split("…"):
        assert part.strip() in texts_of_the_code()


def test_messages_are_in_alphabetical_order() -> None:
    keys = [message.replace("…", "").strip().lower() for message in MESSAGES]
    assert keys == sorted(keys)
    assert len(keys) > 50
