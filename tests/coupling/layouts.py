"""Ways to cut a global grid into blocks: for each rank a list of (i_first, j_first, nx, ny)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

Blocks = list[tuple[int, int, int, int]]
Layout = Callable[[int, int, int], list[Blocks]]


def _cuts(length: int, parts: int) -> list[tuple[int, int]]:
    """(first, size) of parts of nearly equal length; fewer parts where there is less than that."""
    edges = [length * k // parts for k in range(parts + 1)]
    return [(a + 1, b - a) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a]


def rows(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """One block a rank, cut along y."""
    return [[(1, j, nx, size)] for j, size in _cuts(ny, ranks)]


def stripes(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """One block a rank, cut along x: each rank's cells are far apart in memory."""
    return [[(i, 1, size, ny)] for i, size in _cuts(nx, ranks)]


def three_each(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """Three blocks a rank, dealt like cards and listed backwards."""
    blocks = [(1, j, nx, size) for j, size in _cuts(ny, 3 * ranks)]
    return [blocks[rank::ranks][::-1] for rank in range(ranks)]


def tiles(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """Tiles of different sizes, dealt like cards."""
    widths = [(1, 3), (4, nx - 7), (nx - 3, 4)]
    blocks = [(i, j, width, size) for j, size in _cuts(ny, 3) for i, width in widths]
    return [blocks[rank::ranks] for rank in range(ranks)]


def land_apart(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """Blocks without ocean in a basin that is closed: its southern and northern row, each alone,
    and its western and eastern column, which nobody owns."""
    blocks = [(2, 1, nx - 2, 1), (2, ny, nx - 2, 1)]
    blocks += [(2, j + 1, nx - 2, size) for j, size in _cuts(ny - 2, ranks)]
    return [blocks[rank::ranks] for rank in range(ranks)]


def idle(nx: int, ny: int, ranks: int) -> list[Blocks]:
    """Only the last rank has blocks."""
    return [[] for _ in range(ranks - 1)] + rows(nx, ny, 1)


def write_table(path: Path, layout: list[Blocks]) -> str:
    """The table that the scripted host reads; gives the file's name."""
    lines = [
        f"{rank} {i} {j} {nx} {ny}\n" for rank, own in enumerate(layout) for i, j, nx, ny in own
    ]
    path.write_text("".join(lines))
    return path.name


def write_field(path: Path, values: np.ndarray) -> str:
    """A global field (y, x) as the scripted host reads it; gives the file's name."""
    values.astype(np.float64).tofile(path)
    return path.name


def read_field(folder: Path, name: str, ranks: int, shape: tuple[int, int]) -> np.ndarray:
    """Put together what the ranks saved: (y, x). Every cell must have come from one rank."""
    parts = np.stack([np.fromfile(folder / f"{name}.{r}").reshape(shape) for r in range(ranks)])
    owned = ~np.isnan(parts)
    assert (owned.sum(axis=0) == 1).all(), "a cell was saved by no rank, by two, or is NaN"
    return np.where(owned, parts, 0.0).sum(axis=0)
