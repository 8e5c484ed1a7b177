"""Pictures of hindcasts: scores against lead, reliability, maps of one forecast, the free run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .forecast_scores import EDGE, QUANTITIES
from .forecast_table import SCALES, UNITS
from .hindcast import EMULATOR
from .polar_map import PolarMap
from .tables import MONTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..grid import Grid

RIVAL_COLOURS = ("#3465a4", "#4e9a06", "#75507b", "#c17d11", "#2e3436")
OWN_COLOUR = "#c1440e"


def pictures(
    results: Mapping[str, Any], maps: Mapping[str, np.ndarray], grid: Grid
) -> Iterator[tuple[str, Figure]]:
    """(name of the file, figure). maps: `members` (member, field, y, x) and `truth` (field, y, x),
    of which sic and sit come first, of the forecast that is drawn."""
    yield "scores", scores_against_lead(results["scores"])
    if "spread" in next(iter(results["scores"][EMULATOR].values()))["sic"]:
        yield "reliability", reliability(results["scores"][EMULATOR])
    yield "maps", forecast_maps(maps["members"], maps["truth"], grid, results["about"]["map"])
    if results.get("free_run"):
        yield "free_run", free_run_months(results["free_run"])


def scores_against_lead(scores: Mapping[str, Any]) -> Figure:
    """RMSE above, CRPS below, a column a quantity; the ice edge in the last one."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 6.4), layout="constrained")
    axes = figure.subplots(2, len(QUANTITIES) + 1)
    for row, key, title in zip(axes, ("rmse", "crps"), ("RMSE", "fair CRPS"), strict=True):
        for place, quantity in zip(row, QUANTITIES, strict=False):
            _lines(place, scores, quantity, key)
            place.set_title(f"{quantity}: {title}{UNITS[quantity]}", fontsize=10)
    _lines(axes[0, -1], scores, EDGE, "")
    axes[0, -1].set_title(f"{EDGE}{UNITS[EDGE]}", fontsize=10)
    axes[1, -1].set_axis_off()
    axes[1, -1].legend(*axes[0, 0].get_legend_handles_labels(), loc="center", frameon=False)
    return figure


def _lines(axes: Axes, scores: Mapping[str, Any], quantity: str, key: str) -> None:
    rivals = [name for name in scores if name != EMULATOR]
    colours = dict(zip(rivals, RIVAL_COLOURS, strict=False))
    for name, by_lead in scores.items():
        known = {int(lead): f[quantity] for lead, f in by_lead.items() if quantity in f}
        leads = sorted(known)
        values = [known[lead] if quantity == EDGE else known[lead][key] for lead in leads]
        values = [SCALES.get(quantity, 1) * value for value in values]
        style = {"linewidth": 2.2} if name == EMULATOR else {"linewidth": 1.2, "linestyle": "--"}
        axes.plot(leads, values, marker="o", markersize=3, color=colours.get(name, OWN_COLOUR),
                  label=name, **style)  # fmt: skip
    axes.set_xlabel("lead [d]")
    axes.set_ylim(bottom=0)


def reliability(by_lead: Mapping[str, Any]) -> Figure:
    """Spread over RMSE against lead, and for each quantity the rank histograms of all leads."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 3.4), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(QUANTITIES))
    for quantity, colour in zip(QUANTITIES, RIVAL_COLOURS, strict=False):
        known = {int(lead): f[quantity]["spread_over_rmse"] for lead, f in by_lead.items()
                 if quantity in f}  # fmt: skip
        values = [np.nan if ratio is None else ratio for ratio in known.values()]
        first.plot(list(known), values, marker="o", color=colour, label=quantity)
    first.axhspan(0.9, 1.1, color="#d3d7cf", zorder=0)
    first.set(title="spread over RMSE", xlabel="lead [d]", ylim=(0, None))
    first.legend(frameon=False)
    for axes, quantity in zip(others, QUANTITIES, strict=True):
        _histograms(axes, by_lead, quantity)
    return figure


def _histograms(axes: Axes, by_lead: Mapping[str, Any], quantity: str) -> None:
    for k, (lead, found) in enumerate(by_lead.items()):
        ranks = found.get(quantity, {}).get("ranks", [])
        if ranks:
            colour = str(0.75 * (1 - k / max(1, len(by_lead) - 1)))
            axes.step(np.arange(len(ranks)), len(ranks) * np.array(ranks), where="mid",
                      color=colour, label=f"{lead} d")  # fmt: skip
    axes.axhline(1, color=OWN_COLOUR, linewidth=0.8)
    axes.set(title=f"{quantity}: rank histogram, 1 is flat", xlabel="rank", ylim=(0, None))
    axes.legend(frameon=False, fontsize=8)


def forecast_maps(members: np.ndarray, truth: np.ndarray, grid: Grid, title: str) -> Figure:
    """Truth, mean, a member and spread; sic above, sit below."""
    import cmocean
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.5, 6.4), layout="constrained")
    figure.suptitle(title)
    polar = PolarMap(grid.lat, grid.lon, grid.mask)
    colours = cmocean.cm.ice, cmocean.cm.thermal
    for k, (row, name) in enumerate(zip(figure.subplots(2, 4), ("sic", "sit [m]"), strict=True)):
        upper = 1.0 if k == 0 else max(0.5, float(np.percentile(truth[1][grid.mask], 99.8)))
        style = {"cmap": colours[k], "vmin": 0.0, "vmax": upper}
        spread = members[:, k].std(axis=0, ddof=min(1, len(members) - 1))
        panels = {"truth": truth[k], "mean": members[:, k].mean(axis=0), "a member": members[0, k]}
        for axes, (what, values) in zip(row, panels.items(), strict=False):
            mesh = polar.field(axes, np.where(grid.mask, values, np.nan), **style)
            axes.set_title(f"{name}: {what}", fontsize=9)
        figure.colorbar(mesh, ax=row[:3], shrink=0.8)
        most = max(0.01, float(np.percentile(spread[grid.mask], 99.7)))
        mesh = polar.field(row[3], np.where(grid.mask, spread, np.nan), cmap=cmocean.cm.amp,
                           vmin=0.0, vmax=most)  # fmt: skip
        row[3].set_title(f"{name}: spread", fontsize=9)
        figure.colorbar(mesh, ax=row[3], shrink=0.8)
    return figure


def free_run_months(run: Mapping[str, Any]) -> Figure:
    """Monthly means of members and truth, and the range of the training years."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    labels = {"extent": "extent [10⁶ km²]", "volume": "volume [10³ km³]"}
    for axes, (name, label) in zip(figure.subplots(1, 2), labels.items(), strict=True):
        found = run[name]
        month = [one["month"] for one in found]
        bounds = [np.array([one[b] for one in found], float) for b in ("least", "most")]
        axes.fill_between(month, *bounds, color="#d3d7cf", label="training years")
        members = np.array([one["members"] for one in found])
        axes.plot(month, members, color=OWN_COLOUR, linewidth=0.8)
        axes.plot([], [], color=OWN_COLOUR, label=f"{members.shape[1]} members")
        axes.plot(month, [one["truth"] for one in found], color="black", label="simulation")
        axes.set(title=label, xticks=month, ylim=(0, None))
        axes.set_xticklabels([MONTHS[m - 1] for m in month], fontsize=8)
        axes.legend(frameon=False)
    return figure
