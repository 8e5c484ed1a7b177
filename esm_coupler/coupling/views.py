"""The host's own memory as numpy arrays, made once and kept: a bound array costs no copy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np

from ..errors import FieldError
from .domain import Domain

_KINDS: dict[int, type[np.floating[Any]]] = {4: np.float32, 8: np.float64}


class HostArray:
    """An array of the host: Fortran extents (nx, ny[, block]), seen as (block, y, x)."""

    def __init__(
        self, ffi: Any, name: str, data: Any, kind: type[np.generic], extents: Sequence[int]
    ) -> None:
        """`data` is a cffi pointer to items of `kind`, `extents` are 2 or 3; FieldError for
        impossible ones."""
        _check_extents(name, extents, np.dtype(kind).itemsize)
        self.name = name
        self.extents = tuple(extents)
        self.n_bytes = prod(extents) * np.dtype(kind).itemsize
        if self.n_bytes and data == ffi.NULL:
            raise FieldError(
                f"'{name}' is not contiguous or not allocated: give a whole, allocated array"
            )
        self._ffi = ffi
        self._data = data
        self._kind = kind
        self.view = self._make_view()
        self.interiors: list[np.ndarray] = []
        self.rims: list[np.ndarray] = []

    def _make_view(self) -> np.ndarray:
        shape = self.extents[::-1] if len(self.extents) == 3 else (1, *self.extents[::-1])
        if not self.n_bytes:
            return np.zeros(shape, self._kind)
        buffer = self._ffi.buffer(self._data, self.n_bytes)
        return np.frombuffer(buffer, self._kind).reshape(shape)

    def renew(self, domain: Domain) -> None:
        """Make the view, its interiors and its halo strips anew."""
        self.view = self._make_view()
        self.interiors = domain.interiors(self.view)
        self.rims = domain.rims(self.view)

    def overlaps(self, other: HostArray) -> bool:
        """Whether both lie on the same memory."""
        return np.may_share_memory(self.view, other.view)

    def read(self, cells: np.ndarray) -> None:
        """Copy the interior cells to `cells`, float64 (cell,), block by block."""
        with np.errstate(all="ignore"):  # land and halo may hold anything, signalling NaN too
            for interior, target in _pieces(self.interiors, cells):
                target[...] = interior

    def write(self, cells: np.ndarray) -> None:
        """Fill the interior cells."""
        _write(self.interiors, cells)

    def write_rims(self, cells: np.ndarray) -> None:
        """Fill the halo cells, in the order of `Domain.rims`."""
        _write(self.rims, cells)


def _write(parts: list[np.ndarray], cells: np.ndarray) -> None:
    """Fill parts of an array. The one place where a host's memory is written."""
    with np.errstate(all="ignore"):
        for part, source in _pieces(parts, cells):
            part[...] = source


def _check_extents(name: str, extents: Sequence[int], item_size: int) -> None:
    """FieldError unless an array like this can be in memory, with or without items."""
    if min(extents) < 0:
        raise FieldError(f"'{name}' has extents {tuple(extents)}: each has to be 0 or more")
    if prod(max(extent, 1) for extent in extents) * item_size > sys.maxsize:
        raise FieldError(
            f"'{name}' has extents {tuple(extents)}, more than any memory holds: pass the extents "
            f"of the array as 64-bit integers"
        )


def real_kind(name: str, item_size: int) -> type[np.floating[Any]]:
    """numpy's name for a Fortran real of `item_size` bytes; FieldError for others."""
    if item_size not in _KINDS:
        raise FieldError(f"'{name}' has items of {item_size} bytes: bind real32 or real64")
    return _KINDS[item_size]


def _pieces(parts: list[np.ndarray], cells: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each part of an array with its piece of `cells` in the same shape."""
    pieces = []
    start = 0
    for part in parts:
        stop = start + part.size
        pieces.append((part, cells[start:stop].reshape(part.shape)))
        start = stop
    return pieces
