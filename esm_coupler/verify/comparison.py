"""The table of an experiment: one row a model, one column a score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# heading, and where in the scores of `scorecard.evaluate` the figure stands
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
    ("NFE", ("cost", "nfe"), 0),
    ("seconds a state", ("cost", "seconds_a_state"), 3),
)
BANDS = "spectral ratio, least and largest"


def comparison(rows: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Heading and rows of text, from row name -> scores."""
    heading = ["model", BANDS, *(name for name, _, _ in COLUMNS)]
    return [heading, *([name, _band_range(s), *_figures(s)] for name, s in rows.items())]


def _figures(scores: Mapping[str, Any]) -> list[str]:
    return [_text(_at(scores, path), decimals) for _, path, decimals in COLUMNS]


def _at(scores: Any, path: Sequence[str]) -> float | None:
    for key in path:
        scores = scores.get(key) if isinstance(scores, Mapping) else None
    return scores


def _text(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"


def _band_range(scores: Mapping[str, Any]) -> str:
    ratios = [r for bands in scores["spectra"]["training"].values() for r in bands if r is not None]
    return f"{min(ratios):.2f}–{max(ratios):.2f}"


def spectral_rows(rows: Mapping[str, Mapping[str, Any]], against: str) -> list[list[str]]:
    """Heading, then for each model and field the ratio of each band ('training', 'reference',
    'autoencoder')."""
    table: list[list[str]] = []
    for model, scores in rows.items():
        if against not in scores["spectra"]:
            continue
        if not table:
            bands = scores["spectra"]["bands_cells"]
            table.append(["model", "field", *(f"{a:.0f}–{b:.1f} cells" for a, b in bands)])
        for field, ratios in scores["spectra"][against].items():
            table.append([model, field, *(_text(r, 2) for r in ratios)])
    return table


def markdown(table: Sequence[Sequence[str]]) -> str:
    """A table for a document."""
    heading, *rows = table
    lines = [heading, ["---"] * len(heading), *rows]
    return "".join("| " + " | ".join(cells) + " |\n" for cells in lines)
