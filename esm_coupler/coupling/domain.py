"""Which cells of the global grid each rank owns: the block table and what is held against it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import DomainError, FieldError

_MAX_HALO = 3


@dataclass(frozen=True)
class Block:
    """Interior of one block on the global grid: first cell (1-based) and size."""

    i_first: int
    j_first: int
    nx: int
    ny: int

    def rows(self) -> slice:
        return slice(self.j_first - 1, self.j_first - 1 + self.ny)

    def columns(self) -> slice:
        return slice(self.i_first - 1, self.i_first - 1 + self.nx)

    def __str__(self) -> str:
        last = self.i_first + self.nx - 1, self.j_first + self.ny - 1
        return f"i {self.i_first}..{last[0]}, j {self.j_first}..{last[1]}"


@dataclass(frozen=True)
class Domain:
    """The blocks of one rank. `largest` is the greatest block size (nx, ny) on any rank."""

    nx_global: int
    ny_global: int
    halo: int
    blocks: tuple[Block, ...]
    largest: tuple[int, int]

    @property
    def n_cells(self) -> int:
        """Interior cells of this rank."""
        return sum(block.nx * block.ny for block in self.blocks)

    def check_extents(self, what: str, extents: Sequence[int]) -> None:
        """FieldError unless an array of Fortran `extents` can hold this rank's blocks."""
        if not self.blocks:
            return
        if len(extents) == 2 and len(self.blocks) > 1:
            raise FieldError(
                f"{what} has rank 2, but this rank has {len(self.blocks)} blocks: "
                f"give it a third extent of {len(self.blocks)}"
            )
        allowed = self._allowed_extents()
        n_blocks = extents[2] if len(extents) == 3 else 1
        if tuple(extents[:2]) not in allowed or n_blocks != len(self.blocks):
            shapes = " or ".join(f"({nx}, {ny}, {len(self.blocks)})" for nx, ny in allowed)
            raise FieldError(
                f"{what} has extents {tuple(extents)}, but this rank's blocks with a halo of "
                f"{self.halo} need {shapes}"
            )

    def _allowed_extents(self) -> list[tuple[int, int]]:
        """The largest block of this rank, or of any rank: some models pad to the latter."""
        sizes = dict.fromkeys((largest(self.blocks), self.largest))
        return [(nx + 2 * self.halo, ny + 2 * self.halo) for nx, ny in sizes]

    def rims(self, view: np.ndarray) -> list[np.ndarray]:
        """Halo of each block in a view (block, y, x): its strips in the order of `rim_slices`."""
        numbered = enumerate(self.blocks)
        return [view[n][strip] for n, b in numbered for strip in rim_slices(b, self.halo)]

    def interiors(self, view: np.ndarray) -> list[np.ndarray]:
        """Parts of a view (block, y, x) with halo: the interiors of blocks of one size in one
        part (block, y, x), which is copied at once; of others in one (y, x) each."""
        h, sizes = self.halo, {(b.nx, b.ny) for b in self.blocks}
        if len(sizes) == 1:
            nx, ny = sizes.pop()
            return [view[:, h : h + ny, h : h + nx]]
        return [view[n, h : h + b.ny, h : h + b.nx] for n, b in enumerate(self.blocks)]


def rim_slices(block: Block, halo: int) -> list[tuple[slice, slice]]:
    """Rows and columns of a block's halo in its array: south and north with the corners, then
    west and east."""
    h, inner = halo, slice(halo, halo + block.ny)
    everything = slice(0, block.nx + 2 * h)
    south, north = slice(0, h), slice(h + block.ny, block.ny + 2 * h)
    west, east = slice(0, h), slice(h + block.nx, block.nx + 2 * h)
    return [(south, everything), (north, everything), (inner, west), (inner, east)]


def largest(blocks: Sequence[Block]) -> tuple[int, int]:
    """The greatest nx and the greatest ny; (0, 0) without blocks."""
    return max((b.nx for b in blocks), default=0), max((b.ny for b in blocks), default=0)


def to_table(blocks: Sequence[Block]) -> np.ndarray:
    """The numbers of all blocks, one after another, to be sent."""
    return np.array([(b.i_first, b.j_first, b.nx, b.ny) for b in blocks], np.int64).ravel()


def from_table(table: np.ndarray, n_blocks: np.ndarray) -> list[list[Block]]:
    """blocks[rank] from the tables of all ranks, of which rank r has `n_blocks[r]`."""
    rows = iter(table.reshape(-1, 4).tolist())
    return [[Block(*next(rows)) for _ in range(n)] for n in n_blocks.tolist()]


def check_blocks(nx_global: int, ny_global: int, halo: int, blocks: Sequence[Block]) -> None:
    """DomainError unless this rank's numbers are possible."""
    if nx_global < 1 or ny_global < 1:
        raise DomainError(f"the global grid is {nx_global} x {ny_global}: both must be positive")
    if not 0 <= halo <= _MAX_HALO:
        raise DomainError(f"halo is {halo}: the width must be 0 to {_MAX_HALO}")
    for number, block in enumerate(blocks, start=1):
        _check_inside(number, block, nx_global, ny_global)


def _check_inside(number: int, block: Block, nx_global: int, ny_global: int) -> None:
    if block.nx < 1 or block.ny < 1:
        raise DomainError(f"block {number} is {block.nx} x {block.ny}: both must be positive")
    inside_x = 1 <= block.i_first <= nx_global - block.nx + 1
    inside_y = 1 <= block.j_first <= ny_global - block.ny + 1
    if not (inside_x and inside_y):
        raise DomainError(
            f"block {number} ({block}) is not inside the global grid "
            f"i 1..{nx_global}, j 1..{ny_global}: give 1-based indices of its interior"
        )


def check_owned_once(blocks: Sequence[Sequence[Block]], nx_global: int, ny_global: int) -> None:
    """DomainError if two blocks, `blocks[rank]`, share a cell; names both and the cell."""
    owner = np.zeros((ny_global, nx_global), np.int32)
    numbered = [(r, n, b) for r, own in enumerate(blocks) for n, b in enumerate(own, start=1)]
    for count, (rank, number, block) in enumerate(numbered, start=1):
        cells = owner[block.rows(), block.columns()]
        if cells.any():
            j, i = np.argwhere(cells)[0]
            other_rank, other, _ = numbered[cells[j, i] - 1]
            raise DomainError(
                f"cell i={block.i_first + i}, j={block.j_first + j} is in block {other} of rank "
                f"{other_rank} and in block {number} of rank {rank}: a cell has one owner"
            )
        cells[...] = count
