"""The scores as tables, for a terminal and for a report alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .ensemble_tables import ensemble_tables
from .table import DASH, Table

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
# score -> (name, unit, decimals); for all of them 0 or the least is best
DISTANCES = {
    "zero": ("share of exactly open cells, error", "1", 4),
    "full": ("share of cells with sic of 0.995 and more, error", "1", 4),
    "marginal": ("marginal ice zone, error", "10⁶ km²", 3),
    "ice_probability": ("probability of ice per cell, RMSE", "1", 4),
    "extent_crps": ("extent, CRPS", "10⁶ km²", 3),
    "extent_wasserstein": ("extent, Wasserstein distance", "10⁶ km²", 3),
    "volume_crps": ("volume, CRPS", "10³ km³", 3),
    "volume_wasserstein": ("volume, Wasserstein distance", "10³ km³", 3),
    "joint": ("joint histogram of (sic, sit), Hellinger distance", "1", 4),
}
AGAINST = {"reference": "from the reference", "training": "from the training states"}
YEARS = "single training years"


def tables(scores: Mapping[str, Any]) -> Iterator[Table]:
    """All tables of what `scorecard.evaluate` gave, in the order of a report."""
    yield _about(scores["about"])
    if "ensemble" in scores:
        yield from ensemble_tables(scores["ensemble"])
    yield _distances(scores["distances"])
    if "faed" in scores:
        yield _faed(scores["faed"])
    yield from _spectra(scores["spectra"])
    yield _monthly(scores["monthly"])
    yield _consistency(scores["consistency"])
    if "deformation" in scores:
        yield _deformation(scores["deformation"])
    if scores.get("memory"):
        yield _memory(scores["memory"])
    if "cost" in scores:
        rows = [[str(name), _any(value)] for name, value in scores["cost"].items()]
        yield Table("Cost", "As measured elsewhere and handed in.", ["", ""], rows)


def _number(value: float | None, decimals: int = 3) -> str:
    return DASH if value is None else f"{value:.{decimals}f}"


def _any(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _range(pair: list[float | None] | None, decimals: int = 3) -> str:
    return f"{_number(pair[0], decimals)}…{_number(pair[1], decimals)}" if pair else DASH


def _about(about: Mapping[str, Any]) -> Table:
    rows = [
        [name, str(facts["states"]), facts["first"], facts["last"],
         " ".join(map(str, facts["years"])), facts.get("files", "")]
        for name, facts in about["sets"].items()
    ]  # fmt: skip
    note = f"Fields: {', '.join(about['fields'])}. References are taken of the same calendar days."
    return Table("What was scored", note, ["", "states", "first", "last", "years", "files"],
                 rows)  # fmt: skip


def _distances(scores: Mapping[str, Any]) -> Table:
    against = [name for name in AGAINST if name in scores]
    rows = []
    for key, (name, unit, decimals) in DISTANCES.items():
        if key in scores["reference"]:
            values = [_number(scores[a][key], decimals) for a in against]
            values.append(_range(scores.get("single_years", {}).get(key), decimals))
            rows.append([name, unit, *values])
    note = (
        "Means over months; small is good. Single years: the same scores of each training year, "
        "as many states of the same days, from the other years."
    )
    header = ["score", "unit", *(AGAINST[a] for a in against), YEARS]
    return Table("Distances", note, header, rows)


def _faed(scores: Mapping[str, Any]) -> Table:
    against = [name for name in AGAINST if name in scores]
    seasons = list(scores["reference"])
    rows = [
        [season, *(_number(scores[a].get(season)) for a in against),
         _range(scores.get("single_years", {}).get(season))]
        for season in seasons
    ]  # fmt: skip
    note = (
        "Fréchet distance in the latent of an independent autoencoder. Single years: each "
        "training year from the others, as many states of the same days, the noise floor."
    )
    return Table("FAED", note, ["season", *(AGAINST[a] for a in against), YEARS], rows)


def _spectra(scores: Mapping[str, Any]) -> Iterator[Table]:
    bands = [f"{long:.1f}–{short:.1f}" for long, short in scores["bands_cells"]]
    side = scores["window_cells"]
    where = f"Central window of {side} x {side} cells; columns are wavelengths in cells."
    titles = {
        "reference": ("Spectra: generated over reference", "1 is right."),
        "training": ("Spectra: generated over training states", "1 is right."),
        "autoencoder": ("Spectra: the autoencoder alone",
                        "decode(encode(x)) over x, for the reference; 1 is right."),
    }  # fmt: skip
    for key, (title, note) in titles.items():
        if key in scores:
            rows = [[name, *map(_number, ratio)] for name, ratio in scores[key].items()]
            yield Table(title, f"{note} {where}", ["field", *bands], rows)
    for key, over in (("single_years", "all"), ("years_over_reference", "the reference")):
        if key in scores:
            rows = [[n, *map(_range, pairs)] for n, pairs in scores[key].items()]
            note = f"Least and largest of each training year over {over}. {where}"
            title = f"Spectra: single training years over {over}"
            yield Table(title, note, ["field", *bands], rows)


def _monthly(scores: Mapping[Any, Mapping[str, Any]]) -> Table:
    columns = {"zero": ("sic = 0", 3), "full": ("sic ≥ 0.995", 3),
               "marginal": ("marginal ice zone [10⁶ km²]", 2), "extent": ("extent [10⁶ km²]", 2),
               "volume": ("volume [10³ km³]", 2)}  # fmt: skip
    first = next(iter(scores.values()))
    shown = {key: value for key, value in columns.items() if key in first}
    rows = []
    for month, s in scores.items():
        cells = [
            f"{_number(s[k]['generated'], d)} / {_number(s[k]['reference'], d)}"
            for k, (_, d) in shown.items()
        ]
        rows.append([MONTHS[int(month) - 1], str(s["states"]), *cells,
                     _number(s["ice_probability"], 3)])  # fmt: skip
    header = ["month", "states", *(name for name, _ in shown.values()), "RMSE of P(ice)"]
    return Table("Month by month", "Generated / reference, means over states.", header, rows)


def _consistency(scores: Mapping[str, Any]) -> Table:
    sets = list(scores)
    rows = [
        [f"break: {rule}", *(f"{100 * scores[s]['broken'][rule]:.4f} %" for s in sets)]
        for rule in scores[sets[0]]["broken"]
    ]
    rows.append(["changed by projection",
                 *(f"{100 * scores[s]['changed_share']:.4f} %" for s in sets)])  # fmt: skip
    for name in scores[sets[0]]["mean_change"]:
        changes = (scores[s]["mean_change"].get(name) for s in sets)
        rows.append([f"mean change of {name} there",
                     *(DASH if c is None else f"{c:.2e}" for c in changes)])  # fmt: skip
    rows.append(["states not plausible at all", *(str(scores[s]["refused"]) for s in sets)])
    note = "Shares of ocean cells, of states as they are in the files; raw: before projection."
    return Table("Rules of sea-ice models", note, ["", *sets], rows)


def _deformation(scores: Mapping[str, Any]) -> Table:
    sets = ("generated", "reference")
    rows = []
    for k, scale in enumerate(scores["scales_km"]):
        for n, order in enumerate(scores["orders"]):
            moments = (scores[s]["moments"][k][n] for s in sets)
            cells = (DASH if m is None else f"{m:.3e}" for m in moments)
            rows.append([f"moment {order} at {scale:.0f} km [d^-{order}]", *cells])
    for n, order in enumerate(scores["orders"]):
        rows.append([f"β({order})", *(_number(scores[s]["beta"][n]) for s in sets)])
    rows.append(["curvature of β", *(_number(scores[s]["curvature"]) for s in sets)])
    note = "Moments of the total deformation rate over boxes under ice; moment ~ scale^-β(q)."
    return Table("Deformation against scale", note, ["", *sets], rows)


def _memory(scores: Mapping[str, Any]) -> Table:
    points = list(next(iter(scores.values())))
    rows = [[name, *(_number(s[p]) for p in points)] for name, s in scores.items()]
    note = (
        "Normalised distance to the nearest training state within 15 calendar days, percentiles. "
        "Copies are far below the reference, strangers far above."
    )
    return Table("Memory", note, ["states", *(f"{p} %" for p in points)], rows)
