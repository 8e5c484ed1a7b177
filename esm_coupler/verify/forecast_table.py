"""Scores of many hindcasts: pooled, as tables in Markdown, and held against what was to reach."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .comparison import markdown
from .forecast_scores import EDGE, QUANTITIES, pooled
from .hindcast import EMULATOR
from .spectra import spectral_ratio
from .table import DASH
from .tables import MONTHS

UNITS = {"sic": "", "sit": " [m]", "drift": " [cm s-1]", EDGE: " error [10⁶ km²]"}
SCALES = {"drift": 100.0}
DECIMALS = {"sic": 4, "sit": 4, "drift": 2, EDGE: 3}

Text = list[list[str]]  # heading, then rows


def summary(
    starts: Sequence[Mapping[str, Any]], physics: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """Of `scores` and `power` of each start: `scores` (forecaster -> lead -> pooled) and `spectra`
    (emulator -> lead -> (name, band) over the truth's)."""
    first = starts[0]["scores"]
    scores = {
        name: {lead: pooled([s["scores"][name][lead] for s in starts]) for lead in leads}
        for name, leads in first.items()
    }
    if physics:
        scores["physics"] = {lead: pooled(several) for lead, several in physics.items()}
    spectra = {
        name: {lead: _ratio(starts, name, lead) for lead in leads}
        for name, leads in starts[0]["power"].items()
        if name != "truth"
    }
    return {"scores": scores, "spectra": spectra}


def _ratio(starts: Sequence[Mapping[str, Any]], name: str, lead: str) -> list[list[float | None]]:
    members, truth = (
        np.array([start["power"][which][lead] for start in starts]) for which in (name, "truth")
    )
    ratio = spectral_ratio(members, truth)
    return [[float(r) if np.isfinite(r) else None for r in bands] for bands in ratio]


def document(results: Mapping[str, Any]) -> str:
    """All tables, each with its title, below a sentence on what was forecast."""
    tables = [*_score_tables(results), *_free_run_tables(results.get("free_run"))]
    tables.append(("What was to reach.", target_rows(results)))
    parts = [f"{title}\n\n{markdown(table)}" for title, table in tables if len(table) > 1]
    return "\n".join([_heading(results["about"]), *parts])


def _heading(about: Mapping[str, Any]) -> str:
    years = ", ".join(str(year) for year in about["training_years"])
    runs = f"; runs of the physics: {len(about['physics'])}" if about["physics"] else ""
    return (
        f"{len(about['starts'])} starts of {about['year']}, {about['members']} members; rivals from "
        f"{years}{runs}.\n"
    )


def _score_tables(results: Mapping[str, Any]) -> Iterator[tuple[str, Text]]:
    scores = results["scores"]
    yield "RMSE of the ensemble mean, and integrated ice-edge error.", score_rows(scores, "rmse")
    yield "Fair CRPS (of a single forecast: mean absolute error).", score_rows(scores, "crps")
    yield "Spread over RMSE: 1 is right.", score_rows(scores, "spread_over_rmse")
    yield ("Spectra: members over truth, least and largest of the bands.",
           spectral_rows(results["spectra"], results["about"]["spectral_names"]))  # fmt: skip


def score_rows(scores: Mapping[str, Any], key: str) -> Text:
    """A row for each quantity and forecaster that has the score, a column for each lead."""
    leads = list(scores[EMULATOR])
    rows = [["", "forecast", *(f"{lead} d" for lead in leads)]]
    for quantity in (*QUANTITIES, *([EDGE] if key == "rmse" else [])):
        ratio = key == "spread_over_rmse"
        unit = "" if ratio else UNITS[quantity]
        for name, by_lead in scores.items():
            figures = [_figure(by_lead.get(lead, {}).get(quantity), key) for lead in leads]
            if any(figure is not None for figure in figures):
                scale, decimals = (1, 2) if ratio else (SCALES.get(quantity, 1), DECIMALS[quantity])
                told = [_text(figure, scale, decimals) for figure in figures]
                rows.append([f"{quantity}{unit}", name, *told])
    return rows


def _figure(found: Any, key: str) -> float | None:
    """Of the edge, which has one number only, or of a quantity."""
    return found.get(key) if isinstance(found, Mapping) else found


def _text(value: float | None, scale: float, decimals: int) -> str:
    return DASH if value is None else f"{scale * value:.{decimals}f}"


def spectral_rows(spectra: Mapping[str, Any], names: Sequence[str]) -> Text:
    """A row for each emulator and lead, a column for each field, divergence and shear."""
    rows = [["forecast", "lead", *names]]
    for emulator, by_lead in spectra.items():
        for lead, ratios in by_lead.items():
            rows.append([emulator, f"{lead} d", *(_range(bands) for bands in ratios)])
    return rows


def _range(bands: Sequence[float | None]) -> str:
    known = [ratio for ratio in bands if ratio is not None]
    return f"{min(known):.2f}–{max(known):.2f}" if known else DASH


def _free_run_tables(run: Mapping[str, Any] | None) -> Iterator[tuple[str, Text]]:
    if run is None:
        return
    heading = ["month"]
    for name, unit in (("extent", "10⁶ km²"), ("volume", "10³ km³")):
        heading += [f"{name} of members [{unit}]", "of the year", "of training years", "within"]
    rows = [heading]
    for extent, volume in zip(run["extent"], run["volume"], strict=True):
        rows.append([MONTHS[extent["month"] - 1], *_month(extent), *_month(volume)])
    spread = run["spread_at_the_end"]
    yield (
        f"Free run of {run['members']} members over {run['days']} days: monthly means. Projection "
        f"changed {run['cells_mended_a_step']:.2f} cells a step, at most "
        f"{run['most_cells_mended_in_a_step']}. Standard deviation of the members at the end: "
        f"extent {spread['extent']:.3f} 10⁶ km², volume {spread['volume']:.3f} 10³ km³, sic "
        f"{spread['sic']:.4f}.", rows,
    )  # fmt: skip


def _month(found: Mapping[str, Any]) -> list[str]:
    members = found["members"]
    bounds = DASH if found["least"] is None else f"{found['least']:.2f}–{found['most']:.2f}"
    return [f"{min(members):.2f}–{max(members):.2f}", f"{found['truth']:.2f}", bounds,
            f"{found['within']} of {len(members)}"]  # fmt: skip


def target_rows(results: Mapping[str, Any]) -> Text:
    """What an emulator is to reach, and where it does not."""
    scores, long = results["scores"], results["spectra"].get(EMULATOR, {})
    rivals = [name for name in scores if name != EMULATOR]
    targets = [
        ("RMSE of sic and sit below damped persistence",
         _not_below(scores, "rmse", ("sic", "sit"), ["damped persistence"])),
        ("CRPS below every rival", _not_below(scores, "crps", QUANTITIES, rivals)),
        ("spread over RMSE within 0.9 to 1.1 up to day 15", _not_reliable(scores[EMULATOR])),
    ]  # fmt: skip
    if long:
        lead = max(long, key=int)
        names = results["about"]["spectral_names"]
        targets.append((f"spectral ratio within 0.85 to 1.15 on day {lead}",
                        _not_sharp(long[lead], names)))  # fmt: skip
    if results.get("free_run"):
        targets.append(("free run within the training years", _not_stable(results["free_run"])))
    rows = [[text, "yes" if not faults else "no: " + ", ".join(faults)] for text, faults in targets]
    return [["target", "reached"], *rows]


def _not_below(
    scores: Mapping[str, Any], key: str, quantities: Sequence[str], rivals: Sequence[str]
) -> list[str]:
    return [
        f"{quantity} {lead} d ({rival})"
        for quantity in quantities
        for lead, own in scores[EMULATOR].items()
        for rival in rivals
        if quantity in own and quantity in scores[rival].get(lead, {})
        and not own[quantity][key] < scores[rival][lead][quantity][key]
    ]  # fmt: skip


def _not_reliable(by_lead: Mapping[str, Any]) -> list[str]:
    return [
        f"{quantity} {lead} d"
        for quantity in QUANTITIES
        for lead, own in by_lead.items()
        if int(lead) <= 15 and (ratio := own.get(quantity, {}).get("spread_over_rmse")) is not None
        and not 0.9 <= ratio <= 1.1
    ]  # fmt: skip


def _not_sharp(ratios: Sequence[Sequence[float | None]], names: Sequence[str]) -> list[str]:
    return [
        f"{name} {_range(bands)}"
        for name, bands in zip(names, ratios, strict=True)
        if any(r is not None and not 0.85 <= r <= 1.15 for r in bands)
    ]


def _not_stable(run: Mapping[str, Any]) -> list[str]:
    faults = [] if run["finite"] else ["not finite"]
    for name in ("extent", "volume"):
        faults += [
            f"{name} {MONTHS[found['month'] - 1]}"
            for found in run[name]
            if found["within"] < run["members"]
        ]
    return faults
