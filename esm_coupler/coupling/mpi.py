"""mpi4py as a guest: the host has initialised MPI, ends it, and keeps its error handlers."""

from __future__ import annotations

import mpi4py

mpi4py.rc(initialize=False, finalize=False, errors="default")

from mpi4py import MPI  # noqa: E402 (the options count only before this import)

from ..errors import MpiError  # noqa: E402
from .libraries import loaded_libraries  # noqa: E402

__all__ = ["MPI", "require_mpi"]


def require_mpi() -> None:
    """MpiError unless MPI is the host's, initialised and not yet finalised."""
    if not MPI.Is_initialized():
        own = MPI.Get_library_version().splitlines()[0].rstrip("\0")
        mapped = ", ".join(loaded_libraries().get("libmpi", ["none"]))
        raise MpiError(
            f"mpi4py uses '{own}', which the host has not initialised (MPI libraries in this "
            f"process: {mapped}): install mpi4py for the host's MPI library, with "
            f"'pip install --no-binary mpi4py --force-reinstall mpi4py'"
        )
    if MPI.Is_finalized():
        raise MpiError("MPI_Finalize was called already: call esm_stop before it")
