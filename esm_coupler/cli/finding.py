"""One finding of the doctor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Finding:
    """`fault` is broken, `note` is fine but worth knowing; both say what to do."""

    what: str
    state: Literal["ok", "note", "fault"]
    text: str
