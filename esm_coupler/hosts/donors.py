"""Where new ice takes its column from: the nearest one of similar concentration."""

from __future__ import annotations

import numpy as np

_SIMILAR = np.linspace(0.0, 1.0, 11)  # classes of concentration


def nearest_similar(sic: np.ndarray, background: np.ndarray) -> np.ndarray:
    """int (y, x): flat index of the background cell that lends its column to each cell.

    Where `background` (y, x) has ice it is the cell itself. Where only `sic` (y, x) has, it is the
    nearest background cell whose concentration is in the same tenth, or the nearest of all. With
    no ice in the background every cell is its own.
    """
    own = np.arange(sic.size).reshape(sic.shape)
    there, new = background > 0, (sic > 0) & (background <= 0)
    donors = own.copy()
    if not new.any() or not there.any():
        return donors
    classes = np.digitize(background, _SIMILAR[1:-1])
    wanted = np.digitize(sic, _SIMILAR[1:-1])
    for tenth in np.unique(wanted[new]):
        similar = there & (classes == tenth)
        place = new & (wanted == tenth)
        donors[place] = nearest(similar if similar.any() else there)[place]
    return donors


def nearest(cells: np.ndarray) -> np.ndarray:
    """int (y, x): flat index of the nearest of `cells` (y, x) bool, of which there is one."""
    from scipy.ndimage import distance_transform_edt

    indices = distance_transform_edt(~cells, return_distances=False, return_indices=True)
    return np.ravel_multi_index(tuple(indices), cells.shape)


def tracer_sources(there: np.ndarray, donors: np.ndarray) -> np.ndarray:
    """int (category, cell): flat index into (category, cell) that each category of a cell takes its
    tracers from: the nearest category with ice of its donor, the thinner of two; -1 if none has.

    `there` (category, cell) bool says which categories of the donors have ice.
    """
    numbers = np.arange(len(there))
    distance = np.abs(numbers[:, None] - numbers[None, :])[:, :, None]
    category = np.where(there[None], distance, len(there)).argmin(axis=1)
    return np.where(there.any(axis=0), category * donors.size + donors, -1)
