"""A global field with halo, made serially and plainly: what halo cells have to hold.

The folds are written out as in NEMO's `lbc_nfd` (T pivot, F pivot; T points and F points) and as
CICE's `tripoleT` and `tripole`: one statement for each kind of point, with i and j from 1.
"""

from __future__ import annotations

import numpy as np

# (fill, at corners): row ny + n has row ny + first - n, and column i has column nx + shift - i.
FOLDS = {
    ("tripole_t", False): (0, 2),
    ("tripole_t", True): (-1, 1),
    ("tripole_f", False): (1, 1),
    ("tripole_f", True): (0, 0),
}


def mended(field: np.ndarray, fill: str, corners: bool, sign: float) -> np.ndarray:
    """(y, x) with one value where the fold has one point twice."""
    field = field.copy()
    ny, nx = field.shape
    if (fill, corners) == ("tripole_t", False):
        for i in range(nx // 2 + 2, nx + 1):
            field[ny - 1, i - 1] = sign * field[ny - 1, nx + 2 - i - 1]
    if (fill, corners) == ("tripole_t", True):
        for i in range(1, nx + 1):
            field[ny - 1, i - 1] = sign * field[ny - 2, nx + 1 - i - 1]
    if (fill, corners) == ("tripole_f", True):
        for i in range(nx // 2 + 1, nx):
            field[ny - 1, i - 1] = sign * field[ny - 1, nx - i - 1]
    return field


def padded(
    field: np.ndarray, fill: str, halo: int, corners: bool = False, sign: float = 1.0
) -> np.ndarray:
    """(y + 2 halo, x + 2 halo)."""
    field = mended(field, fill, corners, sign)
    ny, nx = field.shape
    rows = np.zeros((ny + 2 * halo, nx))
    rows[halo : halo + ny] = field
    if (fill, corners) in FOLDS:
        first, shift = FOLDS[fill, corners]
        for n in range(1, halo + 1):
            for i in range(1, nx + 1):
                source = (nx + shift - i - 1) % nx
                rows[halo + ny - 1 + n, i - 1] = sign * field[ny + first - n - 1, source]
    if fill == "closed":
        return np.pad(rows, ((0, 0), (halo, halo)))
    return np.pad(rows, ((0, 0), (halo, halo)), mode="wrap")
