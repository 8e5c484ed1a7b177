"""What a series holds, in a table that shows at a glance whether units and signs are right."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..fields import FIELDS
from .series import Series

EXTENT = 0.15  # concentration from which a cell counts


@dataclass(eq=False)
class Summary:
    """Least, mean and most of each field over the ocean, extent and volume of each day; made by
    adding all blocks of the series."""

    series: Series
    least: np.ndarray | None = None
    most: np.ndarray | None = None
    total: np.ndarray | float = 0.0
    n_bounded: int = 0
    extent: list[float] = field(default_factory=list)
    volume: list[float] = field(default_factory=list)

    def add(self, block: np.ndarray, n_bounded: int) -> None:
        """Count (day, field, y, x)."""
        grid, names = self.series.grid, self.series.names
        ocean = block[:, :, grid.mask]
        least, most = ocean.min(axis=(0, 2)), ocean.max(axis=(0, 2))
        self.least = least if self.least is None else np.minimum(self.least, least)
        self.most = most if self.most is None else np.maximum(self.most, most)
        self.total = self.total + ocean.mean(axis=2, dtype="f8").sum(axis=0)
        self.n_bounded += n_bounded
        area = grid.cell_area[grid.mask] / 1e12
        if "sic" in names:
            self.extent += list((ocean[:, names.index("sic")] > EXTENT) @ area)
        if "sit" in names:
            self.volume += list(ocean[:, names.index("sit")] @ area)

    def largest(self) -> dict[str, float]:
        """The largest absolute value of each field."""
        both = np.maximum(np.abs(self.least), np.abs(self.most))
        return dict(zip(self.series.names, both.tolist(), strict=True))

    def table(self) -> str:
        """Several lines of text."""
        lines = [self._head(), "field  from        least      mean      most  unit"]
        for k, name in enumerate(self.series.names):
            stored = self.series.steps[name][0][0]
            values = self.least[k], self.total[k] / len(self.series.days), self.most[k]
            numbers = " ".join(f"{value:9.4f}" for value in values)
            lines.append(f"{name:6} {stored.array.name!s:8} {numbers}  {FIELDS[name].units}")
        lines += self._tail()
        return "\n".join(lines)

    def _head(self) -> str:
        series, grid = self.series, self.series.grid
        ny, nx = grid.shape
        place = {"centre": "cell centre", "northeast": "north-east corner"}
        return (
            f"states: {len(series.days)} from {series.days[0]} to {series.days[-1]} "
            f"({series.calendar}), {nx} x {ny} cells, {grid.mask.sum()} of ocean; format "
            f"{', '.join(series.formats)}; drift at the {place[series.drift_location]}"
        )

    def _tail(self) -> list[str]:
        lines = []
        if self.extent:
            lines.append(f"extent {_range(self.extent)} million km2 (sic > {EXTENT})")
        if self.volume:
            lines.append(f"volume {_range(self.volume)} thousand km3")
        if self.n_bounded:
            lines.append(f"{self.n_bounded} values were round-off away from a bound and put on it")
        if self.series.computed:
            sources = {"mask": "what the first state leaves out"}
            made = (f"{part} from {sources.get(part, 'lat and lon')}"
                    for part in self.series.computed)  # fmt: skip
            lines.append(f"not in the files: {', '.join(made)}")
        return lines


def _range(values: list[float]) -> str:
    return f"{min(values):.3f} to {max(values):.3f}"
