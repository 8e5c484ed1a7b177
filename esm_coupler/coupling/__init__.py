"""Blocks of a running host <-> states on the global grid. Knows MPI, knows no networks."""

from . import one_blas_thread  # noqa: F401 (imports numpy, before any module here does)
