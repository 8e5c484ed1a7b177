"""The tables of an experiment: one row a model, one column a score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

Rows = Mapping[str, Mapping[str, Any]]  # name of the row -> scores of `scorecard.evaluate`
Text = list[list[str]]  # heading, then rows

# heading, where the figure stands in the scores, decimals
COLUMNS: tuple[tuple[str, tuple[str, ...], int], ...] = (
    ("FAED", ("faed", "training", "mean"), 2),
    ("FAED to held-back year", ("faed", "reference", "mean"), 2),
    ("ice probability RMSE", ("distances", "training", "ice_probability"), 4),
    ("marginal zone error [10⁶ km²]", ("distances", "training", "marginal"), 3),
    ("open water error", ("distances", "training", "zero"), 4),
    ("full cover error", ("distances", "training", "full"), 4),
    ("extent CRPS [10⁶ km²]", ("distances", "training", "extent_crps"), 3),
    ("volume CRPS [10³ km³]", ("distances", "training", "volume_crps"), 3),
    ("joint (sic, sit)", ("distances", "training", "joint"), 3),
    ("cells that projection changes", ("consistency", "raw", "cells_changed"), 1),
    ("states refused", ("cost", "refused"), 0),
    ("NFE", ("cost", "nfe"), 0),
    ("seconds a state", ("cost", "seconds_a_state"), 3),
)
SPECTRA = (
    "spectral ratio, least and largest", "bands within 0.85–1.15",
    "bands against held-back year within single years",
)  # fmt: skip
CLOSE = (0.85, 1.15)
SINGLE_YEARS = "single training years"


def document(rows: Rows) -> str:
    """All tables, each with its title, in Markdown."""
    parts = [f"{title}\n\n{markdown(table)}" for title, table in _tables(rows) if len(table) > 1]
    return "\n".join(parts)


def _tables(rows: Rows) -> Iterator[tuple[str, Text]]:
    yield "Scores, against the training years on the same calendar days.", comparison(rows)
    yield "How the rows were trained.", training_rows(rows)
    yield "FAED by season, against the training years.", season_rows(rows)
    yield "Spectra: generated over training years.", spectral_rows(rows, "training")
    yield ("Spectra: generated over the held-back year; the last rows are single training years "
           "over it, least and largest.", spectral_rows(rows, "reference"))  # fmt: skip
    yield "Spectra: the space alone, decode(encode(x)) over x.", spectral_rows(rows, "autoencoder")
    yield "What projection changes: cells a state, and there in the mean.", projection_rows(rows)
    yield "Distance to the nearest training state, percentiles.", memory_rows(rows)
    yield "Deformation rate: exponents β of moments q against scale.", deformation_rows(rows)


def comparison(rows: Rows) -> Text:
    """A row a model, the last one what single years of the simulation get against the others."""
    heading = ["model", *SPECTRA, *(name for name, _, _ in COLUMNS)]
    return [
        heading, *([name, *_spectra(s), *_figures(s)] for name, s in rows.items()),
        *_floor(next(iter(rows.values()))),
    ]  # fmt: skip


def _figures(scores: Mapping[str, Any]) -> list[str]:
    return [_text(_at(scores, path), decimals) for _, path, decimals in COLUMNS]


def _spectra(scores: Mapping[str, Any]) -> list[str]:
    spectra = scores["spectra"]
    ratios = [ratio for bands in spectra["training"].values() for ratio in bands]
    known = [ratio for ratio in ratios if ratio is not None]
    return [
        f"{min(known):.2f}–{max(known):.2f}", _count(ratios, [CLOSE] * len(ratios)), within(spectra)
    ]  # fmt: skip


def within(spectra: Mapping[str, Any]) -> str:
    """In how many bands of all fields the ratio to the reference is one that a single training
    year has to it, or a dash if there are no such years."""
    if not {"reference", "years_over_reference"} <= spectra.keys():
        return _text(None, 0)
    fields = spectra["years_over_reference"]
    ratios = [ratio for name in fields for ratio in spectra["reference"][name]]
    return _count(ratios, [pair for pairs in fields.values() for pair in pairs])


def _count(ratios: Sequence[float | None], ranges: Sequence[Sequence[float]]) -> str:
    pairs = zip(ratios, ranges, strict=True)
    inside = [ratio is not None and low <= ratio <= high for ratio, (low, high) in pairs]
    return f"{sum(inside)} of {len(inside)}"


def _floor(scores: Mapping[str, Any]) -> Text:
    """What the simulation's own years get: a range, or of projection the held-back one's figure."""
    if "single_years" not in scores.get("distances", {}):
        return []
    cells = {SINGLE_YEARS: None}
    pairs = [r for bands in scores["spectra"]["single_years"].values() for r in bands]
    cells[SPECTRA[0]] = f"{min(p[0] for p in pairs):.2f}–{max(p[1] for p in pairs):.2f}"
    for heading, path, decimals in COLUMNS:
        if path[1] == "training":
            cells[heading] = _range(_at(scores, (path[0], "single_years", path[2])), decimals)
        elif path[1] == "raw":
            cells[heading] = _text(_at(scores, (path[0], "reference", path[2])), decimals)
    columns = (*SPECTRA, *(heading for heading, _, _ in COLUMNS))
    return [[SINGLE_YEARS, *(cells.get(column, "–") for column in columns)]]


def training_rows(rows: Rows) -> Text:
    """Size, samples seen, time and seed of each training that made a row, as its manifest says."""
    table = [["model", "network", "weights [10⁶]", "samples", "minutes", "seed", "trained on"]]
    for name, scores in rows.items():
        for network, told in scores.get("trained", {}).items():
            if "steps" not in told:
                continue
            settings = told.get("settings", {})
            weights = "parameters_space" if network == "autoencoder" else "parameters"
            samples = told["steps"] * settings["batch"] if "batch" in settings else None
            table.append([
                name, network, _text(_at(scores, ("cost", weights)), 1, 1e6), _text(samples, 0),
                _text(told.get("seconds"), 0, 60), str(settings.get("seed", told.get("seed", "–"))),
                told.get("hardware", "–"),
            ])  # fmt: skip
    return table


def season_rows(rows: Rows) -> Text:
    """FAED of each season and their mean, and its noise floor."""
    scored = {
        name: s["faed"]["training"] for name, s in rows.items() if _at(s, ("faed", "training"))
    }
    if not scored:
        return []
    seasons = list(next(iter(scored.values())))
    table = [["model", *seasons]]
    table += [[name, *(_text(s.get(x), 1) for x in seasons)] for name, s in scored.items()]
    years = next(iter(rows.values()))["faed"].get("single_years", {})
    return [*table, [SINGLE_YEARS, *(_range(years.get(x), 1) for x in seasons)]]


def spectral_rows(rows: Rows, against: str) -> Text:
    """For each model and field the ratio of each band ('training', 'reference', 'autoencoder'); for
    'reference' the range of single training years too."""
    rows = {name: s["spectra"] for name, s in rows.items() if against in s["spectra"]}
    if not rows:
        return []
    first = next(iter(rows.values()))
    table = [["model", "field", *(f"{a:.0f}–{b:.1f} cells" for a, b in first["bands_cells"])]]
    for model, scores in rows.items():
        for field, ratios in scores[against].items():
            table.append([model, field, *(_text(r, 2) for r in ratios)])
    if against == "reference":
        for field, pairs in first.get("years_over_reference", {}).items():
            table.append([SINGLE_YEARS, field, *(_range(pair, 2) for pair in pairs)])
    return table


def projection_rows(rows: Rows) -> Text:
    """Of each row, and of the held-back states."""
    made = {name: s["consistency"] for name, s in rows.items() if "raw" in s.get("consistency", {})}
    if not made:
        return []
    lines = {name: c["raw"] for name, c in made.items()}
    lines["held back"] = next(iter(made.values()))["reference"]
    fields = list(lines["held back"]["mean_change"])
    table = [["states", "cells", *fields]]
    for name, line in lines.items():
        changes = (f"{line['mean_change'][field]:.1e}" for field in fields)
        table.append([name, _text(line["cells_changed"], 1), *changes])
    return table


def memory_rows(rows: Rows) -> Text:
    """Percentiles of each row, and of the held-back states."""
    rows = {name: s["memory"] for name, s in rows.items() if s.get("memory")}
    if not rows:
        return []
    first = next(iter(rows.values()))
    lines = {**{name: m["generated"] for name, m in rows.items()}, "held back": first["reference"]}
    table = [["states", *(f"{point} %" for point in first["generated"])]]
    return [*table, *([name, *(_text(v, 3) for v in m.values())] for name, m in lines.items())]


def deformation_rows(rows: Rows) -> Text:
    """Exponents of each row, and of the held-back states."""
    rows = {name: s["deformation"] for name, s in rows.items() if s.get("deformation")}
    if not rows:
        return []
    first = next(iter(rows.values()))
    lines = {**{name: d["generated"] for name, d in rows.items()}, "held back": first["reference"]}
    table = [["states", *(f"β({order})" for order in first["orders"]), "curvature"]]
    return [
        *table, *([name, *(_text(b, 2) for b in (*d["beta"], d["curvature"]))]
                  for name, d in lines.items()),
    ]  # fmt: skip


def _at(scores: Any, path: Iterable[str]) -> Any:
    for key in path:
        scores = scores.get(key) if isinstance(scores, Mapping) else None
    return scores


def _text(value: float | None, decimals: int, unit: float = 1.0) -> str:
    return "–" if value is None else f"{value / unit:.{decimals}f}"


def _range(pair: Sequence[float | None] | None, decimals: int) -> str:
    return "–" if pair is None else "–".join(_text(value, decimals) for value in pair)


def markdown(table: Sequence[Sequence[str]]) -> str:
    """A table for a document."""
    heading, *rows = table
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
