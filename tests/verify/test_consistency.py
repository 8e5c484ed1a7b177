"""Rules that states break, and what projection changes, counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.verify.consistency import consistency

from .made_up import random_states


def test_acceptable_states_break_nothing() -> None:
    score = consistency(random_states(3))
    assert set(score.broken.values()) == {0.0}
    assert (score.cells_changed, score.refused) == (0.0, 0)
    assert set(score.mean_change.values()) == {0.0}


def test_one_cell_above_a_bound() -> None:
    states = random_states(4)
    states.fields[:, 2][states.fields[:, 0] == 1] = 0  # nothing else at these cells
    j, i = np.argwhere(states["sic"][1] == 1)[0]
    states.fields[1, 0, j, i] = 1.05
    score = consistency(states)
    n_cells = 4 * states.grid.mask.sum()
    assert score.broken["outside physical bounds"] == pytest.approx(1 / n_cells)
    assert score.broken["any"] == pytest.approx(1 / n_cells)
    assert score.changed_share == pytest.approx(1 / n_cells)
    assert score.cells_changed == 0.25
    assert score.mean_change["sic"] == pytest.approx(0.05, rel=1e-5)
    assert score.mean_change["sit"] == 0.0


def test_phantom_ice_loses_its_thickness() -> None:
    states = random_states(1)
    j, i = np.argwhere((states["sic"][0] == 0) & states.grid.mask)[0]
    states.fields[0, 1, j, i] = 0.4
    score = consistency(states)
    assert score.broken["area without volume or volume without area"] > 0
    assert score.mean_change["sit"] == pytest.approx(0.4)


def test_implausible_states_are_counted_and_left_out() -> None:
    states = random_states(3)
    states.fields[0, 0, 5, 5] = 7.0
    score = consistency(states)
    assert score.refused == 1 and score.broken["any"] == 0.0
    assert consistency(states.subset(np.array([0]))).refused == 1
