"""The picture of an ensemble: members, mean and spread of sic and sit, and the ice edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import write_atomically
from ..errors import OutputError
from .ensemble_file import EnsembleFile, read_ensemble
from .polar_map import PolarMap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

MOST_MEMBERS = 4  # that are drawn one by one; all are in mean, spread and edges
PICTURES = (".png", ".pdf", ".svg")
_PANEL = 2.5  # inches


@dataclass(frozen=True)
class Row:
    """How one field is drawn."""

    name: str
    label: str
    style: dict[str, Any]


def plot_ensemble(path: Path, output: Path, start: bool = False) -> None:
    """Draw an ensemble file; with `start` the generated first day of a host's file.

    Raises FieldError if the file lacks what is drawn, OutputError if the picture cannot be
    written; a picture that exists is replaced.
    """
    picture = output.suffix.lower()
    if picture not in PICTURES:
        raise OutputError(
            f"a picture cannot be written as '{output.name}': let the name end in "
            f"{', '.join(PICTURES)}"
        )
    ensemble = read_ensemble(path, start)
    before = None
    if not start and ensemble.start_date != ensemble.date:
        before = read_ensemble(path, start=True)
    figure = draw(ensemble, before)
    write_atomically(
        output, lambda part: figure.savefig(part, dpi=130, facecolor="white", format=picture[1:])
    )


def draw(ensemble: EnsembleFile, before: EnsembleFile | None = None) -> Figure:
    """The figure; the mean ice edge of `before` is drawn for comparison.

    Upper half: a row of members for each field. Lower half: mean and spread, and the ice edges.
    """
    from matplotlib.figure import Figure

    rows = list(_rows(ensemble))
    figure = Figure(figsize=(4 * _PANEL + 1.3, 2 * len(rows) * 1.1 * _PANEL + 0.8))
    upper, lower = figure.add_gridspec(
        2, 1, left=0.02, right=0.9, bottom=0.02, top=0.93, hspace=0.09
    )
    members = upper.subgridspec(len(rows), MOST_MEMBERS, wspace=0.04, hspace=0.14)
    moments = lower.subgridspec(
        len(rows), 4, width_ratios=[1, 1, 0.22, 2.1], wspace=0.04, hspace=0.14
    )
    polar = PolarMap(ensemble.lat, ensemble.lon, ensemble.mask)
    for number, row in enumerate(rows):
        _draw_members(figure, members, number, row, ensemble, polar)
        _draw_moments(figure, moments, number, row, ensemble, polar)
    _draw_edges(figure.add_subplot(moments[:, 3]), ensemble, before, polar)
    figure.suptitle(_title(ensemble), x=0.02, ha="left", fontsize=13, weight="bold")
    return figure


def _rows(ensemble: EnsembleFile) -> Iterator[Row]:
    import cmocean

    style = {"cmap": cmocean.cm.ice, "vmin": 0.0, "vmax": 1.0}
    yield Row("sic", "ice area fraction (sic)", style)
    if "sit" in ensemble.fields:
        upper = max(0.5, np.ceil(2 * np.nanpercentile(ensemble.fields["sit"], 99.7)) / 2)
        style = {"cmap": cmocean.cm.thermal, "vmin": 0.0, "vmax": upper}
        yield Row("sit", "ice volume per area (sit) [m]", style)


def _title(ensemble: EnsembleFile) -> str:
    if ensemble.start_date == ensemble.date:
        return f"Generated sea ice, {ensemble.date}"
    return f"Sea ice of {ensemble.date}, integrated from states generated for {ensemble.start_date}"


def _draw_members(
    figure: Figure, layout: GridSpec, number: int, row: Row, ensemble: EnsembleFile, polar: PolarMap
) -> None:
    """The first members side by side; their colour bar holds for the mean too."""
    values = ensemble.fields[row.name]
    for k in range(min(MOST_MEMBERS, len(values))):
        axes = figure.add_subplot(layout[number, k])
        mesh = polar.field(axes, values[k], **row.style)
        axes.set_title(_member_title(ensemble, row.name, k), fontsize=9)
    _bar(axes, mesh, row.label)


def _draw_moments(
    figure: Figure, layout: GridSpec, number: int, row: Row, ensemble: EnsembleFile, polar: PolarMap
) -> None:
    """Mean and standard deviation over all members."""
    import cmocean

    values = ensemble.fields[row.name]
    axes = figure.add_subplot(layout[number, 0])
    polar.field(axes, values.mean(axis=0), **row.style)
    axes.set_title(f"{row.name}: mean of {len(values)}", fontsize=9)
    axes = figure.add_subplot(layout[number, 1])
    spread = values.std(axis=0, ddof=min(1, len(values) - 1))
    upper = max(0.01, float(np.nanpercentile(spread, 99.7)))
    mesh = polar.field(axes, spread, cmap=cmocean.cm.amp, vmin=0.0, vmax=upper)
    axes.set_title(f"{row.name}: spread (standard deviation)", fontsize=9)
    _bar(axes, mesh, "")


def _member_title(ensemble: EnsembleFile, name: str, k: int) -> str:
    if name == "sic":
        return f"member {ensemble.members[k]}: extent {ensemble.extent()[k]:.1f} Mkm²"
    return f"volume {ensemble.volume()[k]:.1f} thousand km³"


def _bar(axes: Axes, mesh: QuadMesh, label: str) -> None:
    """A colour bar at the right of a map."""
    bar = axes.figure.colorbar(mesh, cax=axes.inset_axes([1.03, 0.0, 0.05, 1.0]))
    bar.set_label(label, fontsize=9)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def _draw_edges(
    axes: Axes, ensemble: EnsembleFile, before: EnsembleFile | None, polar: PolarMap
) -> None:
    """Ice edges of all members, of their mean, and of the mean that they started from."""
    import cmocean
    from matplotlib.lines import Line2D

    sic = ensemble.fields["sic"]
    polar.field(axes, np.where(polar.mask, 1.0, np.nan), cmap=cmocean.cm.ice, vmin=0, vmax=1.05)
    polar.graticule(axes, color="#8fa3b5", alpha=0.8)
    for k, member in enumerate(sic):
        colour = cmocean.cm.phase(k / len(sic))
        polar.edge(axes, member, colors=[colour], linewidths=1.0)
    polar.edge(axes, sic.mean(axis=0), colors="black", linewidths=2.0)
    legend = [Line2D([], [], color="black", linewidth=2.0, label=f"mean of {len(sic)}"),
              Line2D([], [], color=cmocean.cm.phase(0.0), label="members")]  # fmt: skip
    if before is not None:
        style = {"colors": "black", "linewidths": 1.2, "linestyles": "dashed"}
        polar.edge(axes, before.fields["sic"].mean(axis=0), **style)
        label = f"mean on {before.date}"
        legend.append(Line2D([], [], color="black", linewidth=1.2, linestyle="--", label=label))
    axes.set_title("ice edge (15 %)", fontsize=9)
    axes.legend(handles=legend, loc="lower left", fontsize=8, framealpha=0.9)
