"""Weights between two curvilinear grids: made offline, from the positions of their cells alone.

Cells are polygons in the plane of Lambert's azimuthal equal-area projection about the middle of
the checkpoint's grid (Snyder 1987, eqs 24-2 to 24-4), so that areas in the plane are areas on the
sphere. Corners lie in the middle of four centres; beyond the edge the grid is continued straight.
"""

from __future__ import annotations

import numpy as np
import shapely
from scipy.spatial import KDTree

from .errors import DomainError
from .grid import Grid
from .weights import Sparse, Weights

_EARTH_RADIUS = 6_371_000.0  # [m]
_REACH = np.cos(np.radians(150.0))  # cells farther from the middle are drawn out of shape
# At coasts that the grids draw differently, up to so many cells of the checkpoint away.
_NEAREST = 2.0


def make_weights(source: Grid, host: Grid) -> Weights:
    """Weights from the checkpoint's grid to the host's; DomainError if they share no ocean."""
    for whose, grid in (("checkpoint", source), ("host", host)):
        _require_right_handed(whose, grid)
    plane = _Plane(source)
    cells, shared = _conservative(plane, source, host)
    if not shared.any():
        raise DomainError("the host's ocean lies nowhere in the checkpoint's: is lat, lon right?")
    along, across = _drift(plane, source, host)
    return Weights(host, source.mask_hash, cells, along, across, shared)


def _require_right_handed(whose: str, grid: Grid) -> None:
    """y to the left of x, seen from above: else the second component of drift has another sign."""
    points = _directions(grid)
    x, y = np.gradient(points, axis=1), np.gradient(points, axis=0)
    if np.median(np.sum(np.cross(x, y) * points, axis=-1)) <= 0:
        raise DomainError(
            f"the {whose}'s grid is left-handed, with y to the right of x: turn its rows around"
        )


class _Plane:
    """The equal-area plane of a grid."""

    def __init__(self, grid: Grid) -> None:
        middle = _directions(grid)[grid.mask].sum(axis=0)
        self._up = middle / np.linalg.norm(middle)
        aside = np.cross(self._up, np.eye(3)[np.argmin(np.abs(self._up))])
        self._x = aside / np.linalg.norm(aside)
        self._y = np.cross(self._up, self._x)

    def reaches(self, points: np.ndarray) -> np.ndarray:
        """(...) bool for unit vectors (..., 3)."""
        return points @ self._up > _REACH

    def project(self, points: np.ndarray) -> np.ndarray:
        """Plane coordinates (..., 2) [m] of unit vectors (..., 3)."""
        k = np.sqrt(2.0 / np.maximum(1.0 + points @ self._up, 1e-3))
        flat = np.stack([points @ self._x, points @ self._y], axis=-1)
        return _EARTH_RADIUS * k[..., None] * flat

    def polygons(self, corners: np.ndarray, wanted: np.ndarray) -> np.ndarray:
        """Cells (n,) of corners (y + 1, x + 1, 3) where `wanted` (y, x)."""
        ring = [corners[:-1, :-1], corners[:-1, 1:], corners[1:, 1:], corners[1:, :-1]]
        return shapely.polygons(self.project(np.stack(ring, axis=2)[wanted]))


def _conservative(plane: _Plane, source: Grid, host: Grid) -> tuple[Sparse, np.ndarray]:
    """Means over the shared ocean, and its area [m2]; the nearest cell where coasts differ."""
    reached = host.mask & plane.reaches(_directions(host))
    theirs = plane.polygons(_corners(_directions(host)), reached)
    ours = plane.polygons(_corners(_directions(source)), source.mask)
    to, of = shapely.STRtree(ours).query(theirs, predicate="intersects")
    area = shapely.area(shapely.intersection(theirs[to], ours[of]))
    row, column = np.flatnonzero(reached)[to[area > 0]], np.flatnonzero(source.mask)[of[area > 0]]
    area = area[area > 0]
    shared = np.bincount(row, area, minlength=host.mask.size)
    alone = reached & (shared.reshape(host.shape) == 0) & _on_land(plane, source, host)
    coast_row, coast_column = _nearest(source, source.mask, _directions(host), alone)
    sparse = Sparse(
        np.concatenate([row, coast_row]), np.concatenate([column, coast_column]),
        np.concatenate([area / shared[row], np.ones(coast_row.size)]),
    )  # fmt: skip
    return sparse, shared.reshape(host.shape)


def _on_land(plane: _Plane, source: Grid, host: Grid) -> np.ndarray:
    """(y, x) bool: cells of the host whose centre is land of the checkpoint."""
    land = plane.polygons(_corners(_directions(source)), ~source.mask)
    centres = shapely.points(plane.project(_directions(host)).reshape(-1, 2))
    on_land = np.zeros(host.mask.size, bool)
    on_land[shapely.STRtree(land).query(centres, predicate="intersects")[0]] = True
    return on_land.reshape(host.shape)


def _nearest(
    source: Grid, known: np.ndarray, points: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of points (y, x, 3) that are wanted, and of the known cell near each."""
    centres = _directions(source)
    spacing = np.sqrt(np.median(source.cell_area[source.mask])) / _EARTH_RADIUS
    tree = KDTree(centres[known])
    distance, index = tree.query(points[wanted], distance_upper_bound=_NEAREST * spacing)
    near = np.isfinite(distance)
    return np.flatnonzero(wanted)[near], np.flatnonzero(known)[index[near]]


def _drift(plane: _Plane, source: Grid, host: Grid) -> tuple[Sparse, Sparse]:
    """Bilinear between drift points, of those four that may have drift; the nearest if none."""
    here, there = _drift_points(source), _drift_points(host)
    wanted = host.drift_mask & plane.reaches(there)
    row, column, weight = _bilinear(plane, here, there, wanted)
    valid = source.drift_mask.reshape(-1)[column] & (weight > 0)
    row, column, weight = row[valid], column[valid], weight[valid]
    total = np.bincount(row, weight, minlength=host.mask.size)
    alone = wanted & (total.reshape(host.shape) == 0)
    coast_row, coast_column = _nearest(source, source.drift_mask, there, alone)
    row, column = np.concatenate([row, coast_row]), np.concatenate([column, coast_column])
    total[coast_row] = 1.0
    weight = np.concatenate([weight, np.ones(coast_row.size)]) / total[row]
    ours, theirs = _grid_x(here).reshape(-1, 3)[column], _grid_x(there).reshape(-1, 3)[row]
    up = there.reshape(-1, 3)[row]
    cosine = np.sum(ours * theirs, axis=1)
    sine = np.sum(ours * np.cross(up, theirs), axis=1)
    turn = np.arctan2(sine, cosine)  # from the host's x to the checkpoint's x
    return Sparse(row, column, weight * np.cos(turn)), Sparse(row, column, weight * np.sin(turn))


def _bilinear(
    plane: _Plane, here: np.ndarray, there: np.ndarray, wanted: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, column and weight of the four points (y, x, 3) of `here` around each of `there`."""
    ny, nx = here.shape[:2]
    inner = np.ones((ny - 1, nx - 1), bool)
    points = plane.project(there[wanted])
    quads = plane.polygons(here, inner)
    at, quad = shapely.STRtree(quads).query(shapely.points(points), predicate="intersects")
    at, first = np.unique(at, return_index=True)  # on an edge two quads would do
    corner = quad[first] // (nx - 1) * nx + quad[first] % (nx - 1)
    column = np.stack([corner, corner + 1, corner + nx, corner + nx + 1])
    flat = plane.project(here.reshape(-1, 3))
    s, t = _local_coordinates(flat[column], points[at])
    weight = np.stack([(1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t])
    row = np.broadcast_to(np.flatnonzero(wanted)[at], column.shape)
    return row.ravel(), column.ravel(), weight.ravel()


def _local_coordinates(quad: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """s and t in [0, 1] with point = bilinear(quad (4, n, 2)), by Newton's method."""
    st = np.full((len(point), 2), 0.5)
    x = quad[1] - quad[0]
    y = quad[2] - quad[0]
    twist = quad[3] - quad[2] - x
    for _ in range(8):
        s, t = st[:, :1], st[:, 1:]
        error = quad[0] + s * x + t * y + s * t * twist - point
        jacobian = np.stack([x + t * twist, y + s * twist], axis=2)
        st = st - np.linalg.solve(jacobian, error[..., None])[..., 0]
    return tuple(np.clip(st, 0.0, 1.0).T)


def _directions(grid: Grid) -> np.ndarray:
    """Unit vectors (y, x, 3) of cell centres."""
    lat, lon = np.radians(grid.lat), np.radians(grid.lon)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _corners(centres: np.ndarray) -> np.ndarray:
    """Unit vectors (y + 1, x + 1, 3) of the corners of cells (y, x, 3)."""
    padded = np.pad(centres, ((1, 1), (1, 1), (0, 0)), mode="reflect", reflect_type="odd")
    four = padded[:-1, :-1] + padded[:-1, 1:] + padded[1:, :-1] + padded[1:, 1:]
    return four / np.linalg.norm(four, axis=-1, keepdims=True)


def _drift_points(grid: Grid) -> np.ndarray:
    """Unit vectors (y, x, 3) of where siu and siv live."""
    centres = _directions(grid)
    return centres if grid.drift_location == "centre" else _corners(centres)[1:, 1:]


def _grid_x(points: np.ndarray) -> np.ndarray:
    """Unit vectors (y, x, 3) along grid x, in the tangent plane of points (y, x, 3)."""
    along = np.gradient(points, axis=1)
    along -= np.sum(along * points, axis=-1, keepdims=True) * points
    return along / np.linalg.norm(along, axis=-1, keepdims=True)
