"""An ensemble of one date against the state that came true, beside two cheap ensembles: the days
before (persistence) and the same days of other years (climatology)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import FieldError
from ..fields import DRIFT
from .calendar import days_apart
from .ensemble_scores import field_scores, integrated_ice_edge_error, spatial_probability_score
from .states import States, with_common_fields

OLDEST = 60  # days before the date that persistence may go back


def score_ensemble(
    members: States, truth: States, training: States | None = None, pairs: bool = False
) -> dict[str, dict[str, Any]]:
    """Scores of the members of one date against the state of that date in `truth`, and of
    persistence (as many states of `truth` before it) and climatology (of `training`, with the
    nearest calendar days) where there are states for them. `pairs`: the members are whole pairs
    around an analysis, one after the other.

    FieldError if the members are of several dates or less than two, or if the truth is missing.
    """
    members, truth = with_common_fields(members, truth)
    date = _one_date(members)
    ensembles = {"ensemble": members}
    happened = np.flatnonzero(truth.dates == date)
    if len(happened) != 1:
        raise FieldError(
            f"the truth has {len(happened)} states of {date}, the date of the ensemble: give a "
            "file with one"
        )
    age = (date - truth.dates).astype(int)
    before = np.flatnonzero((age > 0) & (age <= OLDEST))
    ensembles["persistence"] = truth.subset(before[np.argsort(age[before])][: len(members)])
    if training is not None:
        of_other_years, _ = with_common_fields(training, members)
        apart = days_apart(np.array([date]), training.dates)[0]
        nearest = np.argsort(apart, kind="stable")[: len(members)]
        ensembles["climatology"] = of_other_years.subset(nearest)
    one = truth.subset(happened)
    return {
        name: _scores(states, one, pairs and states is members)
        for name, states in ensembles.items() if len(states) > 1
    }  # fmt: skip


def _one_date(members: States) -> np.datetime64:
    if len(members) < 2 or (members.dates != members.dates[0]).any():
        raise FieldError(
            f"{len(members)} states of {len(np.unique(members.dates))} dates are no ensemble: "
            "--truth needs two members or more, all of one date"
        )
    return members.dates[0]


def _scores(members: States, truth: States, pairs: bool) -> dict[str, Any]:
    grid = members.grid
    fields = {}
    for name in (name for name in members.names if name in truth):
        cells = grid.drift_mask if name in DRIFT else grid.mask
        values, happened = (states[name][:, cells].astype(float) for states in (members, truth))
        fields[name] = field_scores(values, happened[0], grid.cell_area[cells], pairs)
    sic, true = (states["sic"][:, grid.mask] for states in (members, truth))
    area = grid.cell_area[grid.mask]
    return {
        "members": len(members), "fields": fields,
        "integrated_ice_edge_error": integrated_ice_edge_error(sic, true[0], area),
        "spatial_probability_score": spatial_probability_score(sic, true[0], area),
    }  # fmt: skip
