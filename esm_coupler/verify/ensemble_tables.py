"""The scores of ensembles against their truth as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..fields import FIELDS
from .table import DASH, Table

_NOTE = (
    "Spread over RMSE with the factor of a finite ensemble: 1 is right. Coverage: the truth in "
    "the interval, over cells that are not the same in all members and the truth; what is "
    "asked for is right. Chi-square of the rank histogram: small, against the other rows."
)
_EDGE = "From sic above 0.15 [10⁶ km²]; small is good."


def ensemble_tables(scores: Mapping[str, Any]) -> Iterator[Table]:
    """Of what `truth.score_ensemble` gave."""
    rows = [
        _row(field, name, found["fields"][field])
        for field in scores["ensemble"]["fields"]
        for name, found in scores.items() if field in found["fields"]
    ]  # fmt: skip
    header = ["field", "ensemble", "spread", "RMSE", "spread / RMSE", "fair CRPS", "50 % cover",
              "90 % cover", "chi-square"]  # fmt: skip
    yield Table("Ensemble against the truth", _NOTE, header, rows)
    rows = [
        [name, str(found["members"]), f"{found['integrated_ice_edge_error']:.3f}",
         f"{found['spatial_probability_score']:.3f}"]
        for name, found in scores.items()
    ]  # fmt: skip
    header = ["ensemble", "members", "integrated ice-edge error", "spatial probability score"]
    yield Table("Ice edge", _EDGE, header, rows)


def _row(field: str, name: str, found: Mapping[str, Any]) -> list[str]:
    cover = [found["coverage"][level] for level in ("0.5", "0.9")]
    return [
        f"{field}{FIELDS[field].unit_text}", name,
        *(_told(found[key], 4) for key in ("spread", "rmse")),
        _told(found["spread_over_rmse"], 2), _told(found["crps"], 4),
        *(_told(value, 2) for value in cover), _told(found["chi_square"], 0),
    ]  # fmt: skip


def _told(value: float | None, decimals: int) -> str:
    return DASH if value is None else f"{value:.{decimals}f}"
