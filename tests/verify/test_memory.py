"""Distance to the nearest training state, where it is known."""

from __future__ import annotations

import numpy as np
import pytest

from esm_coupler.errors import InvalidValueError
from esm_coupler.verify.memory import nearest_distances, percentiles
from esm_coupler.verify.states import States

from .made_up import days, open_grid, random_states


def test_a_copy_has_distance_zero() -> None:
    training = random_states(12, step=2)
    distances = nearest_distances(training.subset(np.array([7, 0])), training)
    assert (distances == 0).all()


def test_a_field_moved_by_its_standard_deviation_has_that_distance() -> None:
    grid = open_grid(16)
    fields = np.random.default_rng(0).normal(0, 3.0, (5, 2, 16, 16)).astype("f4")
    training = States(fields, days("1990-01-01", 5), ("siu", "siv"), grid)
    moved = States(fields.copy(), training.dates, training.names, grid)
    std = fields[:, 0, grid.mask].astype("f8").std(ddof=1)
    moved.fields[:, 0] += std
    # one of two fields by one standard deviation: sqrt(1/2)
    assert nearest_distances(moved, training) == pytest.approx(np.sqrt(0.5), rel=1e-4)


def test_only_the_same_time_of_the_year_counts() -> None:
    training = random_states(13, step=30)
    copy = training.subset(np.array([3]))
    other_year = States(copy.fields, copy.dates + 365, copy.names, copy.grid)
    assert nearest_distances(other_year, training) == 0
    other_season = States(copy.fields, copy.dates + 120, copy.names, copy.grid)
    assert nearest_distances(other_season, training) > 0.1


def test_a_state_without_training_states_of_its_time_is_refused() -> None:
    with pytest.raises(InvalidValueError, match="within 15 days of the calendar day of 1990-08-01"):
        nearest_distances(random_states(1, "1990-08-01"), random_states(3))


def test_percentiles() -> None:
    known = {"5": 5.0, "25": 25.0, "50": 50.0, "75": 75.0, "95": 95.0}
    assert percentiles(np.arange(101.0)) == pytest.approx(known)
