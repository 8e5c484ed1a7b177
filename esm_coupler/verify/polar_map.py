"""Maps around a pole, without a map library: land comes from the mask of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh

LAND = "#b9b2a6"
_LINES = {"color": "white", "linewidth": 0.4, "alpha": 0.5}


class PolarMap:
    """A polar stereographic view with 45 W downwards, as sea-ice charts have it."""

    def __init__(self, lat: np.ndarray, lon: np.ndarray, mask: np.ndarray) -> None:
        """lat, lon [degrees] and mask (True = ocean), each (y, x)."""
        self.pole = 1.0 if lat.mean() >= 0 else -1.0
        self.mask = mask
        self.x, self.y = self.project(lat, lon)

    def project(self, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Map coordinates, in degrees of latitude near the pole."""
        radius = 2 * np.degrees(np.tan(np.radians(90 - self.pole * lat) / 2))
        turned = np.radians(lon + 45.0)
        return radius * np.sin(turned), -self.pole * radius * np.cos(turned)

    def prepare(self, axes: Axes, background: str = LAND) -> None:
        """An empty map: land, parallels and meridians, no ticks."""
        axes.set_aspect("equal")
        axes.set(xticks=[], yticks=[], facecolor=background)
        axes.set_xlim(self.x.min(), self.x.max())
        axes.set_ylim(self.y.min(), self.y.max())
        for spine in axes.spines.values():
            spine.set_visible(False)

    def graticule(self, axes: Axes, **style: object) -> None:
        """Parallels every 10 degrees, meridians every 45."""
        around, outwards = np.linspace(0, 360, 361), np.linspace(40, 89, 50)
        for parallel in (50, 60, 70, 80):
            axes.plot(*self.project(np.full(361, self.pole * parallel), around), **_LINES | style)
        for meridian in range(0, 360, 45):
            line = self.project(self.pole * outwards, np.full(50, float(meridian)))
            axes.plot(*line, **_LINES | style)

    def field(self, axes: Axes, values: np.ndarray, **style: object) -> QuadMesh:
        """Draw values (y, x), not a number on land."""
        self.prepare(axes)
        mesh = axes.pcolormesh(
            self.x, self.y, np.ma.masked_invalid(values), shading="nearest", rasterized=True,
            **style,
        )  # fmt: skip
        self.graticule(axes)
        return mesh

    def edge(self, axes: Axes, sic: np.ndarray, **style: object) -> None:
        """Draw the ice edge, 15 % of sic (y, x); none if there is no ice or nothing else."""
        if np.nanmin(sic) < 0.15 < np.nanmax(sic):
            axes.contour(self.x, self.y, np.ma.masked_invalid(sic), levels=[0.15], **style)
