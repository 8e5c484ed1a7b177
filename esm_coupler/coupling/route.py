"""The way between the blocks of all ranks and the global grid on the generator's rank.

Packing and unpacking touch memory and may fail; `gather` and `scatter` are MPI calls on buffers
that exist already. A caller lets all ranks agree between the two kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .device import GENERATOR_RANK
from .domain import Block, Domain, global_cells
from .mpi import MPI
from .views import HostArray


class Route:
    """Index arrays and buffers of one decomposition, built once."""

    def __init__(
        self, comm: MPI.Comm, domain: Domain, blocks: Sequence[Sequence[Block]] | None
    ) -> None:
        """`blocks[rank]` is known to the generator's rank only, None elsewhere."""
        self._comm = comm
        self._n_cells = domain.n_cells
        self._shape = domain.ny_global, domain.nx_global
        self._is_root = blocks is not None
        self.cells = global_cells(blocks or [], domain.nx_global)
        counts = [sum(b.nx * b.ny for b in own) for own in blocks or []]
        displacements = [sum(counts[:rank]) for rank in range(len(counts))]
        self._layout = counts, displacements
        self.reserve(0)

    def reserve(self, n_fields: int) -> None:
        """Buffers for so many fields: `local` (field, own cell), on the root also `_all`
        (field, every owned cell) and `values` (field, y, x); what no block owns stays zero."""
        self.local = np.zeros((n_fields, self._n_cells))
        self._all = np.zeros((n_fields, self.cells.size))
        self.values = np.zeros((n_fields, *self._shape)) if self._is_root else np.zeros((0, 0, 0))
        pairs = zip(self.local, self._all, strict=True)
        self._messages = [
            ([row, MPI.DOUBLE], [every, self._layout, MPI.DOUBLE] if self._is_root else None)
            for row, every in pairs
        ]

    @property
    def n_fields(self) -> int:
        return self.local.shape[0]

    def owned(self) -> np.ndarray:
        """(y, x) bool: cells that are in a block; on the root only."""
        owned = np.zeros(self._shape, bool)
        owned.reshape(-1)[self.cells] = True
        return owned

    def pack(self, arrays: Sequence[HostArray]) -> None:
        """Interior cells of the host's arrays to the buffer, as float64."""
        for array, row in zip(arrays, self.local, strict=True):
            array.read(row)

    def gather(self) -> None:
        """Every rank's cells to the root."""
        for mine, every in self._messages:
            self._comm.Gatherv(mine, every, root=GENERATOR_RANK)

    def unpack(self) -> np.ndarray:
        """The gathered cells on the global grid, float64 (field, y, x); on the root only."""
        for field, row in zip(self.values, self._all, strict=True):
            field.reshape(-1)[self.cells] = row
        return self.values

    def stage(self, values: np.ndarray) -> None:
        """Put fields (field, y, x) into the order in which the ranks get them; root only."""
        for field, row in zip(values, self._all, strict=True):
            np.take(field.reshape(-1), self.cells, out=row)

    def scatter(self) -> None:
        """Each rank's cells from the root."""
        for mine, every in self._messages:
            self._comm.Scatterv(every, mine, root=GENERATOR_RANK)

    def deliver(self, arrays: Sequence[HostArray]) -> None:
        """The scattered cells into the host's arrays."""
        for array, row in zip(arrays, self.local, strict=True):
            array.write(row)
