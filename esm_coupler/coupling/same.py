"""What has to be the same on all ranks, and is held against each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import EsmCouplerError, FieldError

_NAME_BYTES = 64


def first_name(padded: np.ndarray) -> str:
    """The text that `padded_name` made bytes of."""
    return padded.tobytes().rstrip(b"\0").decode(errors="replace")


def padded_name(name: str) -> np.ndarray:
    """A field name as bytes of fixed length, to be held against the other ranks'."""
    encoded = name.encode(errors="replace")
    if not 0 < len(encoded) < _NAME_BYTES:
        raise FieldError(f"'{name}' is no field name: give 1 to {_NAME_BYTES - 1} characters")
    padded = np.zeros(_NAME_BYTES, np.uint8)
    padded[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    return padded


def require_same(rows: np.ndarray, names: Sequence[str], error: type[EsmCouplerError]) -> None:
    """Raise `error` unless all rows (rank, number), of 8 bytes each, are equal; names the first
    that is not."""
    bits = rows.view(np.int64)  # a NaN equals itself here
    different = bits != bits[0]
    if different.any():
        rank, column = np.argwhere(different)[0]
        raise error(
            f"{names[column]} is {rows[rank, column]:.10g} on rank {rank} and "
            f"{rows[0, column]:.10g} on rank 0: it must be the same on all ranks"
        )
