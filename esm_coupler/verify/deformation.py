"""Divergence and shear of the drift, and how their moments change with scale.

Coarse-graining and moments: Marsan et al. 2004 (doi:10.1103/PhysRevLett.93.178501); quadratic
structure function of sea ice: Rampal et al. 2019 (doi:10.5194/tc-13-2457-2019); used on generated
states by Finn et al. 2024, JAMES (Generative Diffusion for Regional Surrogate Models From Sea-Ice
Simulations).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..grid import Grid
from .states import States

BOXES = (1, 2, 4, 8)  # side of the boxes [cells]
ORDERS = (1, 2, 3)  # q
ICE = 0.15  # sic from which a cell deforms as ice
SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True, eq=False)
class Scaling:
    """scales (box,) [km]; moments (box, q) [d-q], not a number where no box is full of ice;
    beta (q,): the exponents in moment ~ scale ** -beta(q); curvature a of beta = a q2 + b q,
    which is above 0 where deformation is localised (multifractal)."""

    scales: np.ndarray
    moments: np.ndarray
    beta: np.ndarray
    curvature: float


def gradient_points(grid: Grid) -> np.ndarray:
    """(y, x) bool: where a velocity gradient can be had, with the four drift points around in the
    ocean. For drift at north-east corners that is in cells, else at their north-east corners."""
    drift = grid.drift_mask
    if grid.drift_location == "centre":
        return drift & _shifted(drift, 0, 1) & _shifted(drift, 1, 0) & _shifted(drift, 1, 1)
    return drift & _shifted(drift, 0, -1) & _shifted(drift, -1, 0) & _shifted(drift, -1, -1)


def velocity_gradients(siu: np.ndarray, siv: np.ndarray, grid: Grid) -> np.ndarray:
    """Drift (state, y, x) [m s-1] -> (4, state, y, x) du/dx, du/dy, dv/dx, dv/dy [d-1], by the
    differences between the four drift points around; 0 where `gradient_points` is not set."""
    back = 0 if grid.drift_location == "centre" else -1  # index of the western and southern points
    points = gradient_points(grid)
    spacing = np.sqrt(grid.cell_area)
    result = np.zeros((4, *siu.shape), dtype=np.float64)
    for first, component in ((0, siu), (2, siv)):
        west = _shifted(component, back, back) + _shifted(component, back + 1, back)
        east = _shifted(component, back, back + 1) + _shifted(component, back + 1, back + 1)
        south = _shifted(component, back, back) + _shifted(component, back, back + 1)
        north = _shifted(component, back + 1, back) + _shifted(component, back + 1, back + 1)
        result[first], result[first + 1] = east - west, north - south
    return result * np.where(points, SECONDS_PER_DAY / (2 * spacing), 0.0)


def divergence_and_shear(gradients: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(4, ...) velocity gradients -> du/dx + dv/dy, and sqrt((du/dx - dv/dy)2 + (du/dy + dv/dx)2);
    the total deformation rate is hypot of both."""
    du_dx, du_dy, dv_dx, dv_dy = gradients
    return du_dx + dv_dy, np.hypot(du_dx - dv_dy, du_dy + dv_dx)


def deformation_scaling(states: States, weights: np.ndarray | None = None) -> Scaling:
    """Moments of the total deformation rate against scale, over all states with `weights`.

    Gradients are averaged over boxes of n x n points, all of them under ice; the rate follows from
    the averages, its moments from all boxes.
    """
    weights = np.full(len(states), 1 / len(states)) if weights is None else weights
    gradients = velocity_gradients(states["siu"], states["siv"], states.grid)
    usable = gradient_points(states.grid) & _under_ice(states)
    moments = np.array([_moments(gradients, usable, n, weights) for n in BOXES])
    scales = np.array(BOXES) * np.sqrt(states.grid.cell_area[states.grid.mask].mean()) / 1e3
    beta = -_slopes(np.log(scales), moments)
    orders = np.array(ORDERS, dtype=float)
    curvature, _ = np.linalg.lstsq(np.stack([orders**2, orders], axis=1), beta, rcond=None)[0]
    return Scaling(scales, moments, beta, float(curvature))


def _under_ice(states: States) -> np.ndarray:
    """(state, y, x) bool: ice at all cells that a gradient stands for."""
    ice = states["sic"] > ICE
    if states.grid.drift_location == "northeast":
        return ice
    return ice & _shifted(ice, 0, 1) & _shifted(ice, 1, 0) & _shifted(ice, 1, 1)


def _moments(
    gradients: np.ndarray, usable: np.ndarray, n: int, weights: np.ndarray
) -> np.ndarray:
    """(q,) weighted means of the deformation rate of boxes of n x n to the power q."""
    full = _boxes(usable.astype(np.float64), n) == 1
    rate = np.hypot(*divergence_and_shear(_boxes(gradients, n)))
    weight = weights[:, None, None] * full
    if not weight.any():
        return np.full(len(ORDERS), np.nan)
    return np.array([(weight * rate**q).sum() / weight.sum() for q in ORDERS])


def _boxes(values: np.ndarray, n: int) -> np.ndarray:
    """Means over boxes: (..., y, x) -> (..., y // n, x // n)."""
    ny, nx = values.shape[-2] // n, values.shape[-1] // n
    cut = values[..., : ny * n, : nx * n]
    return cut.reshape(*cut.shape[:-2], ny, n, nx, n).mean(axis=(-3, -1))


def _slopes(x: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """(q,) slopes of log moment (scale, q) over x, where there is a moment; NaN below 2 scales."""
    sound = np.isfinite(moments).all(axis=1) & (moments > 0).all(axis=1)
    if sound.sum() < 2:
        return np.full(moments.shape[1], np.nan)
    return np.polyfit(x[sound], np.log(moments[sound]), 1)[0]


def _shifted(values: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """values[..., j + rows, i + columns], with 0 beyond the grid."""
    result = np.zeros_like(values)
    ny, nx = values.shape[-2:]
    to_y = slice(max(0, -rows), ny - max(0, rows))
    to_x = slice(max(0, -columns), nx - max(0, columns))
    from_y = slice(max(0, rows), ny - max(0, -rows))
    from_x = slice(max(0, columns), nx - max(0, -columns))
    result[..., to_y, to_x] = values[..., from_y, from_x]
    return result
