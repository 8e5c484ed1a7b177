"""How often states break a rule of sea-ice models, and what projection changes in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InvalidValueError
from ..generator.projection import RULES, ProjectionReport, project
from ..state import State
from .states import States


@dataclass(frozen=True)
class Consistency:
    """Means over states, of ocean cells: `broken` by rule (shares; 'any' is a share of cells that
    break at least one), share and number of cells that projection changed, and by field the mean
    size of the change where a cell was changed [unit of the field]. `refused`: states that are not
    plausible at all, which count in nothing else."""

    broken: dict[str, float]
    changed_share: float
    cells_changed: float
    mean_change: dict[str, float]
    refused: int


def consistency(states: States) -> Consistency:
    """Hold every state against the rules of `generator.projection`."""
    reports, changes, refused = [], [], 0
    for fields in states.fields:
        state = State(fields.astype(np.float64), states.names, states.grid)
        try:
            projected, report = project(state)
        except InvalidValueError:
            refused += 1
            continue
        reports.append(report)
        changes.append(np.abs(projected.values - state.values).sum(axis=(1, 2)))
    return _summary(states, reports, changes, refused)


def _summary(
    states: States, reports: list[ProjectionReport], changes: list[np.ndarray], refused: int
) -> Consistency:
    n_cells = states.grid.mask.sum() * max(1, len(reports))
    broken = {r.name: sum(p.violations[r.name] for p in reports) / n_cells for r in RULES}
    broken["any"] = sum(p.cells_out_of_bounds for p in reports) / n_cells
    cells = sum(p.cells_changed for p in reports)
    total = np.sum(changes, axis=0) if changes else np.zeros(len(states.names))
    amounts = (total / max(1, cells)).tolist()
    return Consistency(
        {name: float(share) for name, share in broken.items()},
        float(cells / n_cells), cells / max(1, len(reports)),
        dict(zip(states.names, amounts, strict=True)), refused,
    )  # fmt: skip
