"""The pictures of a report: maps beside maps, ice edges, spectra, months, deformation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import cover, spectra
from .calendar import calendar_day, day_weights, draw_like, years
from .polar_map import PolarMap
from .states import States, matched
from .tables import MONTHS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_MAPS = 4  # of each kind
GENERATED, REFERENCE, TRAINING = "#c1440e", "black", "#9aa5b1"
LABELS = {
    "sic": "ice area fraction", "sit": "ice volume per area [m]",
    "snt": "snow volume per area [m]", "speed": "drift speed [m/s]",
}  # fmt: skip


def maps(generated: States, reference: States) -> Iterator[tuple[str, Figure]]:
    """(caption, figure) for each field and the speed of the drift: members above different
    references of the nearest calendar days, with one colour bar."""
    chosen = np.linspace(0, len(generated) - 1, min(MOST_MAPS, len(generated))).astype(int)
    chosen = chosen[np.argsort(calendar_day(generated.dates[chosen]), kind="stable")]
    members = generated.subset(chosen)
    beside = reference.subset(draw_like(members.dates, reference.dates))
    for name, label in LABELS.items():
        if name in members or (name == "speed" and {"siu", "siv"} <= set(members.names)):
            yield f"{label}: generated above, reference below", _maps(name, members, beside)


def _values(name: str, states: States) -> np.ndarray:
    values = np.hypot(states["siu"], states["siv"]) if name == "speed" else states[name]
    return np.where(states.grid.mask, values, np.nan)


def _maps(name: str, members: States, beside: States) -> Figure:
    import cmocean
    from matplotlib.figure import Figure

    colours = {"sic": cmocean.cm.ice, "snt": cmocean.cm.dense_r, "speed": cmocean.cm.speed}
    rows = (("generated", members), ("reference", beside))
    upper = 1.0
    if name != "sic":
        both = np.concatenate([_values(name, states) for _, states in rows])
        upper = max(1e-3, float(np.nanpercentile(both, 99.8)))
    style = {"cmap": colours.get(name, cmocean.cm.thermal), "vmin": 0.0, "vmax": upper}
    polar = PolarMap(members.grid.lat, members.grid.lon, members.grid.mask)
    figure = Figure(figsize=(2.6 * len(members) + 0.9, 5.6), layout="constrained")
    axes = figure.subplots(2, len(members), squeeze=False)
    for row, (label, states) in zip(axes, rows, strict=True):
        for place in row[len(states):]:
            place.set_axis_off()
        for place, values, date in zip(row, _values(name, states), states.dates):
            mesh = polar.field(place, values, **style)
            place.set_title(f"{label}, {date}", fontsize=9)
    figure.colorbar(mesh, ax=axes, shrink=0.8, label=LABELS[name])
    return figure


def edges(generated: States, reference: States) -> Figure:
    """Ice edges of all states of the months with least and most extent: generated in colour,
    reference of the same calendar days in black."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    by_month = dict(generated.by_month())
    extent = {month: cover.extent(states).mean() for month, states in by_month.items()}
    months = sorted({max(extent, key=extent.__getitem__), min(extent, key=extent.__getitem__)})
    figure = Figure(figsize=(5.2 * len(months), 5.4), layout="constrained")
    polar = PolarMap(generated.grid.lat, generated.grid.lon, generated.grid.mask)
    for axes, month in zip(figure.subplots(1, len(months), squeeze=False)[0], months, strict=True):
        polar.field(axes, np.where(polar.mask, 0.0, np.nan), cmap="Blues_r", vmin=-3, vmax=0)
        polar.graticule(axes, color="#8fa3b5")
        true, _ = matched(reference, by_month[month].dates)
        for states, style in ((by_month[month], {"colors": GENERATED, "linewidths": 0.7}),
                              (true, {"colors": REFERENCE, "linewidths": 1.1})):  # fmt: skip
            for sic in _values("sic", states)[:50]:
                polar.edge(axes, sic, alpha=0.7, **style)
        axes.set_title(MONTHS[month - 1])
    lines = [Line2D([], [], color=c, label=n) for c, n in ((GENERATED, "generated"),
                                                          (REFERENCE, "reference"))]  # fmt: skip
    figure.legend(handles=lines, loc="outside lower center", ncols=2)
    return figure


def spectra_figure(generated: States, reference: States, training: States | None) -> Figure:
    """Mean radial spectra on the same calendar days, and the range of single training years."""
    from matplotlib.figure import Figure

    window = spectra.central_window(generated.grid)
    side = window[0].stop - window[0].start
    names = spectra.spectral_names(generated.names)
    wavelength = side / np.arange(1, side // 2 + 1)
    made = spectra.radial_spectrum(generated, window).mean(axis=0)
    true, weights = matched(reference, generated.dates)
    seen = np.average(spectra.radial_spectrum(true, window), axis=0, weights=weights)
    band = _year_band(generated, training, window)
    figure = Figure(figsize=(12, 3.1 * -(-len(names) // 4)), layout="constrained")
    places = figure.subplots(-(-len(names) // 4), 4, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(places, names)):
        axes.set_title(name, fontsize=10)
        if not (made[k].any() and seen[k].any()):
            axes.set_axis_off()
            axes.text(0.5, 0.5, "no variation in the window", ha="center")
            continue
        if band is not None:
            axes.fill_between(wavelength, *band[:, k], color=TRAINING, alpha=0.5, linewidth=0,
                              label="single training years")  # fmt: skip
        axes.loglog(wavelength, seen[k], color=REFERENCE, label="reference")
        axes.loglog(wavelength, made[k], color=GENERATED, label="generated")
        axes.axvline(spectra.SHORTEST, color="#888888", linewidth=0.7, linestyle=":")
        axes.set_xlabel("wavelength [cells]", fontsize=8)
        _plain_ticks(axes, [t for t in (64, 32, 16, 8, 4, 2) if t <= side])
        axes.invert_xaxis()
    for axes in places[len(names):]:
        axes.set_axis_off()
    lines = {label: line for axes in places
             for line, label in zip(*axes.get_legend_handles_labels(), strict=True)}  # fmt: skip
    figure.legend(lines.values(), lines.keys(), loc="outside lower center", ncols=3)
    return figure


def _plain_ticks(axes: Axes, values: Sequence[float]) -> None:
    """Whole numbers on a logarithmic x axis, and nothing between them."""
    from matplotlib.ticker import NullLocator

    axes.set_xticks(values, [f"{value:.0f}" for value in values])
    axes.xaxis.set_minor_locator(NullLocator())


def _year_band(
    generated: States, training: States | None, window: spectra.Window
) -> np.ndarray | None:
    """(2, name, k) least and largest over years of the mean spectrum on the same days."""
    if training is None or len(np.unique(years(training.dates))) < 2:
        return None
    means = []
    for _, own, _ in training.single_years():
        true, weights = matched(own, generated.dates)
        means.append(np.average(spectra.radial_spectrum(true, window), axis=0, weights=weights))
    return np.stack([np.min(means, axis=0), np.max(means, axis=0)])


def months_figure(generated: States, reference: States, training: States | None) -> Figure:
    """Box plots of extent, marginal ice zone and volume by month, states beside states."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = {"extent [10⁶ km²]": cover.extent, "marginal ice zone [10⁶ km²]": cover.marginal_area}
    if "sit" in generated:
        shown["volume [10³ km³]"] = cover.volume
    sets = {"generated": (generated, GENERATED), "reference": (reference, REFERENCE)}
    if training is not None:
        sets["training states"] = (training, TRAINING)
    months = [month for month, _ in generated.by_month()]
    size = (2 + 0.75 * max(6, len(months)), 2.8 * len(shown))
    figure = Figure(figsize=size, layout="constrained")
    for axes, (label, quantity) in zip(figure.subplots(len(shown), 1), shown.items(), strict=True):
        for k, (states, colour) in enumerate(sets.values()):
            _boxes(axes, states, quantity, generated, 0.26 * (k - 1), colour)
        axes.set_xticks(range(len(months)), [MONTHS[month - 1] for month in months])
        axes.set_xlim(-0.6, len(months) - 0.4)
        axes.set_ylabel(label)
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    handles = [Patch(color=colour, label=name) for name, (_, colour) in sets.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return figure


def _boxes(
    axes: Axes, states: States, quantity: Any, generated: States, offset: float, colour: str
) -> None:
    """A box for each month of the generated states, of states of the same calendar days."""
    for place, (_, part) in enumerate(generated.by_month()):
        same = part if states is generated else states.subset(
            day_weights(part.dates, states.dates) > 0
        )  # fmt: skip
        line = {"color": colour}
        axes.boxplot(
            quantity(same), positions=[place + offset], widths=0.2, whis=(0, 100),
            boxprops=line, whiskerprops=line, capprops=line, medianprops=line, manage_ticks=False,
        )  # fmt: skip


def deformation_figure(scores: Mapping[str, Any]) -> Figure:
    """Moments of the deformation rate against scale, of generated and reference states."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.4), layout="constrained")
    places = figure.subplots(1, len(scores["orders"]))
    for n, (axes, order) in enumerate(zip(places, scores["orders"], strict=True)):
        for name, colour in (("reference", REFERENCE), ("generated", GENERATED)):
            moments = [np.nan if m[n] is None else m[n] for m in scores[name]["moments"]]
            beta = scores[name]["beta"][n]
            label = name if beta is None else f"{name}, β = {beta:.2f}"
            axes.loglog(scores["scales_km"], moments, "o-", color=colour, label=label)
        axes.set(title=f"moment q = {order}", xlabel="scale [km]")
        _plain_ticks(axes, scores["scales_km"])
        axes.legend(fontsize=8)
    return figure
