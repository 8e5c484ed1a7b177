"""What a file does not say of its grid, from the latitudes and longitudes of its cells."""

from __future__ import annotations

import numpy as np

EARTH_RADIUS = 6.371e6  # m


def filled(values: np.ndarray) -> np.ndarray:
    """(y, x) with what is not finite taken from the nearest cell: models leave out land."""
    from scipy.ndimage import distance_transform_edt

    missing = ~np.isfinite(values)
    if not missing.any() or missing.all():
        return values
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def cell_area(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(y, x) areas [m2] of the cells around points at lat and lon [degrees]."""
    along_x, along_y = _steps(_points(lat, lon))
    return filled(EARTH_RADIUS**2 * np.linalg.norm(np.cross(along_x, along_y), axis=-1))


def angle(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(y, x) angle [radians] from east to grid x."""
    along_x, _ = _steps(_points(lat, lon))
    east = np.stack([-np.sin(np.radians(lon)), np.cos(np.radians(lon)), np.zeros_like(lon)], -1)
    north = np.cross(_points(lat, lon), east)
    return filled(np.arctan2((along_x * north).sum(-1), (along_x * east).sum(-1)))


def offset(
    drift: tuple[np.ndarray, np.ndarray], cells: tuple[np.ndarray, np.ndarray]
) -> tuple[float, float]:
    """How far points of the drift lie from their cells, in cells along x and y; (lat, lon)."""
    centre = _points(*cells)
    along_x, along_y = _steps(centre)
    away = _points(*drift) - centre
    return tuple(
        float(np.nanmedian((away * step).sum(-1) / (step * step).sum(-1)))
        for step in (along_x, along_y)
    )


def _points(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(y, x, 3) points on the unit sphere."""
    lat, lon = np.radians(lat), np.radians(lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)


def _steps(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Way to the next point along x and along y; at an edge, or beside land, on one side only."""
    steps = []
    for axis in (1, 0):
        way = np.diff(points, axis=axis)
        edge = np.full_like(np.take(points, [0], axis), np.nan)
        both = np.stack([np.concatenate([edge, way], axis), np.concatenate([way, edge], axis)])
        known = np.isfinite(both)
        total = np.where(known, both, 0).sum(axis=0)
        steps.append(np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan))
    return steps[0], steps[1]
