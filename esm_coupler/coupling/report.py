"""What all ranks are told of a result, in one message of fixed size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .engine import Result

DIAGNOSTICS = ("seconds", "cells_out_of_bounds", "cells_changed", "fallbacks")
_KIND = np.dtype([("diagnostics", "f8", len(DIAGNOSTICS)), ("has_values", "?"), ("sha256", "S64")])


class Report:
    """Of a result, on the rank that has it; elsewhere empty until `buffer` has been received."""

    def __init__(self, result: Result | None) -> None:
        self._told = np.zeros(1, _KIND)
        if result is not None:
            numbers = tuple(getattr(result, name) for name in DIAGNOSTICS)
            self._told[0] = numbers, result.values is not None, result.sha256
        self.buffer = self._told.view(np.uint8)

    @property
    def has_values(self) -> bool:
        """Whether there is anything to write into the host's arrays."""
        return bool(self._told["has_values"][0])

    @property
    def diagnostics(self) -> dict[str, float]:
        return dict(zip(DIAGNOSTICS, self._told["diagnostics"][0].tolist(), strict=True))

    @property
    def sha256(self) -> str:
        return self._told["sha256"][0].decode()
