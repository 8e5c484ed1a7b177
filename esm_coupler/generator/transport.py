"""Upstream transport on the sphere's grid: what drift alone does to area and volume in a step.

In flux form, so that what leaves a cell arrives in its neighbour: summed over the ocean nothing is
made and nothing lost. Drift at north-east corners (CICE's B-grid) is averaged onto the faces.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..grid import Grid

SUBSTEPS = 4  # 6 h of a day: ice crosses no more than a cell
MOST_CROSSED = 0.5  # of a cell in a substep; faster drift carries no more than that


class Transport(nn.Module):
    """Tracers (batch, tracer, y, x) and drift (batch, 2, y, x) [m s-1] -> change of the tracers in
    `seconds`, same shape and units."""

    def __init__(self, grid: Grid, seconds: float) -> None:
        super().__init__()
        mask, area = torch.from_numpy(grid.mask), torch.from_numpy(grid.cell_area).double()
        side = area.sqrt()
        self.corners = grid.drift_location == "northeast"
        self.seconds = seconds
        for name, axis in (("east", 1), ("north", 0)):
            face = (side + side.roll(-1, axis)) / 2 * (mask & mask.roll(-1, axis))
            if name == "north":
                face[-1] = 0.0  # x may go around the earth, y does not
            self.register_buffer(name, face, persistent=False)
        self.register_buffer("area", torch.where(mask, area, 1.0), persistent=False)
        self.register_buffer("side", side, persistent=False)

    def forward(self, tracers: Tensor, drift: Tensor) -> Tensor:
        east, north = self._across_faces(drift)
        seconds = self.seconds / SUBSTEPS
        limit = MOST_CROSSED * self.side.to(tracers) / seconds
        through = [
            (speed.clamp(-limit, limit) * face.to(tracers) * seconds)[:, None]
            for speed, face in ((east, self.east), (north, self.north))
        ]
        parts = [(share.clamp(min=0), share.clamp(max=0)) for share in through]
        area, now = self.area.to(tracers), tracers
        for _ in range(SUBSTEPS):
            now = now - _divergence(now, parts) / area
        return now - tracers

    def _across_faces(self, drift: Tensor) -> tuple[Tensor, Tensor]:
        """Speed [m s-1] through the east and the north face of each cell."""
        u, v = drift.unbind(dim=1)
        if self.corners:
            return (u + u.roll(1, -2)) / 2, (v + v.roll(1, -1)) / 2
        return (u + u.roll(-1, -1)) / 2, (v + v.roll(-1, -2)) / 2


def _divergence(tracers: Tensor, parts: list[tuple[Tensor, Tensor]]) -> Tensor:
    """What leaves each cell through its four faces, upstream values."""
    total = torch.zeros_like(tracers)
    for axis, (ahead, back) in zip((-1, -2), parts, strict=True):
        flux = ahead * tracers + back * tracers.roll(-1, axis)
        total = total + flux - flux.roll(1, axis)
    return total
