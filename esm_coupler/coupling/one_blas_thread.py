"""Imports numpy without a pool of threads, which no part of the coupling would use: OpenBLAS
starts one thread a core in every rank, and on a full node reaches the limit of threads."""

from __future__ import annotations

import os

_VARIABLE = "OPENBLAS_NUM_THREADS"


def _import_numpy() -> None:
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = "1"
    try:
        import numpy  # noqa: F401
    finally:
        del os.environ[_VARIABLE]
        if before is not None:
            os.environ[_VARIABLE] = before


_import_numpy()
