"""What set_domain exchanges: all ranks come to know the blocks as far as they need them."""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np

from ..errors import DomainError
from .device import GENERATOR_RANK
from .domain import Block, Domain, from_table, largest, to_table
from .mpi import MPI
from .patient import PatientComm
from .same import require_same

Owned = list[list[Block]]


def share_domain(
    comm: PatientComm, nx_global: int, ny_global: int, halo: int, blocks: tuple[Block, ...]
) -> Generator[None, None, tuple[Domain, Owned | None]]:
    """Phases (see agree.py) that give this rank's domain, and blocks[rank] of all ranks on the
    generator's rank, None elsewhere. DomainError if ranks differ in the global grid."""
    headers = yield from _headers(comm, [nx_global, ny_global, halo], blocks)
    owned = yield from _owned_blocks(comm, blocks, headers[:, 3])
    greatest = int(headers[:, 4].max()), int(headers[:, 5].max())
    return Domain(nx_global, ny_global, halo, blocks, greatest), owned


def _headers(
    comm: PatientComm, grid: Sequence[int], blocks: Sequence[Block]
) -> Generator[None, None, np.ndarray]:
    """(rank, 6): nx_global, ny_global, halo, number of blocks, largest nx and ny."""
    own = np.array([*grid, len(blocks), *largest(blocks)], np.int64)
    headers = np.zeros((comm.Get_size(), own.size), np.int64)
    yield
    comm.Allgather(own, headers)
    yield
    require_same(headers[:, :3], ("nx_global", "ny_global", "halo"), DomainError)
    return headers


def _owned_blocks(
    comm: PatientComm, blocks: Sequence[Block], n_blocks: np.ndarray
) -> Generator[None, None, Owned | None]:
    mine = to_table(blocks)
    counts = 4 * n_blocks
    is_root = comm.Get_rank() == GENERATOR_RANK
    table = np.zeros(int(counts.sum()) if is_root else 0, np.int64)
    layout = [table, counts, np.cumsum(counts) - counts, MPI.INT64_T]
    yield
    comm.Gatherv(mine, layout if is_root else None, root=GENERATOR_RANK)
    yield
    return from_table(table, n_blocks) if is_root else None
