"""A model's own forecasts beside those of an emulator: files that the reference host wrote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FieldError
from .ensemble_file import read_ensemble
from .forecast_scores import score
from .states import States, with_common_fields
from .states_file import read_states


def score_physics(paths: Sequence[Path], truth: States) -> dict[str, list[dict[str, Any]]]:
    """Lead in days (as text) -> the scores of each run of that length, whose members are those of
    a file. FieldError if a file does not go on from its start, or ends on a day that the truth
    lacks."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path in paths:
        start = np.datetime64(read_ensemble(path).start_date)
        members, true = with_common_fields(read_states(path), truth)
        lead = int((members.dates[0] - start).astype(int))
        happened = np.flatnonzero(true.dates == members.dates[0])
        if lead < 1 or len(happened) != 1:
            raise FieldError(
                f"{path} goes from {start} to {members.dates[0]}, needed is a run of a day or more "
                "that ends within the year of the hindcasts: give what the reference host wrote"
            )
        scored = score(members.fields, true.fields[happened[0]], true.names, true.grid)
        found.setdefault(str(lead), []).append(scored)
    return found
