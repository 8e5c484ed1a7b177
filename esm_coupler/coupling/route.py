"""The way between the blocks of all ranks and the global grid on the generator's rank.

Packing and delivering touch a host's memory and may fail; `gather` and `scatter` are MPI calls
and copies between buffers and views that exist already. A caller lets all ranks agree between
the two kinds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .device import GENERATOR_RANK
from .domain import Block, Domain
from .halo import Halo, Sources, rim_cells
from .mpi import MPI
from .patient import PatientComm
from .views import HostArray

# Where a buffer begins in its memory [items]. Large arrays begin alike in a page, and so do their
# rows where a grid's width is a power of two; glibc copies between such rows backwards, which takes
# half as long again. 512 bytes apart they are copied forwards.
_SHIFT = 64


class Route:
    """Buffers and messages of one decomposition, built once for a list of fields.

    Each rank has one message for all fields: its cells, and on the way back its halo cells too.
    """

    def __init__(
        self,
        comm: PatientComm,
        domain: Domain,
        fills_halo: bool,
        blocks: Sequence[Sequence[Block]] | None = None,
        halo: Halo | None = None,
    ) -> None:
        """`blocks[rank]` and `halo` are known to the generator's rank only, None elsewhere."""
        self._comm = comm
        self._shape = domain.ny_global, domain.nx_global
        self._is_root = blocks is not None
        self._blocks = blocks or []
        self._halo = halo
        self._width = domain.halo if fills_halo else 0
        self._sizes = _sizes(domain.blocks, self._width)
        # Off the root nobody needs it, and no rank holds the global grid for nothing.
        self._unowned = np.flatnonzero(~self.owned() if self._is_root else [])
        self._sends: list[MPI.Prequest] = []
        self._receives: list[MPI.Prequest] = []
        self.names: tuple[str, ...] = ()

    def reserve(self, names: tuple[str, ...]) -> None:
        """Buffers and messages for these fields; on the root also `values` (field, y, x), which
        is zero where no block owns."""
        self.free()
        self.values = np.zeros((len(names), *self._shape) if self._is_root else (0, 0, 0))
        self._own = _Parcel(len(names), self._sizes)
        if self._is_root:
            self._parcels = [
                self._own if rank == GENERATOR_RANK else _Parcel(len(names), size)
                for rank, size in enumerate(_sizes(own, self._width) for own in self._blocks)
            ]
            self._pairs = [
                parcel.pairs(self.values, own)
                for parcel, own in zip(self._parcels, self._blocks, strict=True)
            ]
            self._sources = [self._rim_sources(names, own) for own in self._blocks]
            peers = [(self._parcels[rank], rank) for rank in self._others()]
            self._make_messages(peers, receive_rims=False)
        else:
            self._make_messages([(self._own, GENERATOR_RANK)], receive_rims=True)
        self.names = names

    def _rim_sources(self, names: tuple[str, ...], blocks: Sequence[Block]) -> list[Sources]:
        """For each field, where the halo cells of these blocks come from; none without a fill."""
        if self._halo is None:
            return []
        cells = rim_cells(blocks, self._width)
        return [self._halo.sources(name, cells) for name in names]

    def _make_messages(self, peers: Sequence[tuple[_Parcel, int]], receive_rims: bool) -> None:
        """Persistent ones: of the cells alone to the root, of halo cells too from it."""
        for parcel, rank in peers:
            cells, all_of_it = [parcel.cells, MPI.DOUBLE], [parcel.buffer, MPI.DOUBLE]
            inward, outward = (all_of_it, cells) if receive_rims else (cells, all_of_it)
            self._receives.append(self._comm.Recv_init(inward, rank))
            self._sends.append(self._comm.Send_init(outward, rank))

    def free(self) -> None:
        """Give the messages back to MPI."""
        for message in self._sends + self._receives:
            message.Free()
        self._sends, self._receives = [], []

    def owned(self) -> np.ndarray:
        """(y, x) bool: cells that are in a block; on the root only."""
        owned = np.zeros(self._shape, bool)
        for block in (b for own in self._blocks for b in own):
            owned[block.rows(), block.columns()] = True
        return owned

    def pack(self, arrays: Sequence[HostArray]) -> None:
        """Interior cells of the host's arrays to the buffer, as float64."""
        for array, row in zip(arrays, self._own.cells, strict=True):
            array.read(row)
        if self._is_root and self._unowned.size:
            self.values.reshape(len(self.values), -1)[:, self._unowned] = 0.0

    def gather(self) -> None:
        """Every rank's cells to `values` on the root."""
        if not self._is_root:
            self._exchange(self._sends)
            return
        MPI.Prequest.Startall(self._receives)
        self._place(GENERATOR_RANK)
        # In order of ranks: while one is placed, MPI takes in the next.
        for rank, message in zip(self._others(), self._receives, strict=True):
            self._comm.wait([message])
            self._place(rank)

    def stage(self, values: np.ndarray) -> None:
        """Take over fields (field, y, x) that all ranks shall have; root only."""
        if values is not self.values:
            self.values[...] = values
        if self._halo is not None:
            for name, field in zip(self.names, self.values, strict=True):
                self._halo.mend_seam(name, field)

    def scatter(self) -> None:
        """Each rank's cells of `values`, and its halo cells, from the root."""
        if not self._is_root:
            self._exchange(self._receives)
            return
        for rank, message in zip(self._others(), self._sends, strict=True):
            self._take(rank)
            message.Start()
        self._take(GENERATOR_RANK)
        self._comm.wait(self._sends)

    def deliver(self, arrays: Sequence[HostArray]) -> None:
        """The scattered cells into the host's arrays."""
        for n, array in enumerate(arrays):
            array.write(self._own.cells[n])
            if self._width:
                array.write_rims(self._own.rims[n])

    def _others(self) -> list[int]:
        return [rank for rank in range(len(self._blocks)) if rank != GENERATOR_RANK]

    def _exchange(self, messages: list[MPI.Prequest]) -> None:
        MPI.Prequest.Startall(messages)
        self._comm.wait(messages)

    def _place(self, rank: int) -> None:
        for on_grid, in_buffer in self._pairs[rank]:
            on_grid[...] = in_buffer

    def _take(self, rank: int) -> None:
        for on_grid, in_buffer in self._pairs[rank]:
            in_buffer[...] = on_grid
        for sources, field, row in zip(
            self._sources[rank], self.values, self._parcels[rank].rims, strict=False
        ):
            sources.copy(field, row)


class _Parcel:
    """What one rank sends and gets: `cells` (field, cell), then `rims` (field, halo cell)."""

    def __init__(self, n_fields: int, sizes: tuple[int, int]) -> None:
        n_cells, n_rims = sizes
        self.buffer = np.zeros(_SHIFT + n_fields * (n_cells + n_rims))[_SHIFT:]
        self.cells = self.buffer[: n_fields * n_cells].reshape(n_fields, n_cells)
        self.rims = self.buffer[n_fields * n_cells :].reshape(n_fields, n_rims)

    def pairs(
        self, values: np.ndarray, blocks: Sequence[Block]
    ) -> list[tuple[np.ndarray, np.ndarray]]:
        """Views (field, y, x) of each block on the global grid and in the buffer."""
        pairs = []
        start = 0
        for block in blocks:
            stop = start + block.nx * block.ny
            shape = len(self.cells), block.ny, block.nx
            pairs.append((
                values[:, block.rows(), block.columns()],
                self.cells[:, start:stop].reshape(shape),
            ))
            start = stop
        return pairs


def _sizes(blocks: Sequence[Block], halo: int) -> tuple[int, int]:
    """Interior cells and halo cells of blocks."""
    cells = sum(b.nx * b.ny for b in blocks)
    return cells, sum((b.nx + 2 * halo) * (b.ny + 2 * halo) for b in blocks) - cells
