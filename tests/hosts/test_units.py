"""Units however they are written; and packing into int16, which keeps what lies on a bound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from esm_coupler.fields import DRIFT, FIELDS
from esm_coupler.hosts.compact import LARGEST, PRECISION, pack, precision_for
from esm_coupler.hosts.dates import Day, days_of_year, days_since_start
from esm_coupler.hosts.units import plain


@pytest.mark.parametrize(
    "written, read",
    [
        ("m s-1", "m s-1"), ("m/s", "m s-1"), ("m s**-1", "m s-1"), ("m.s-1", "m s-1"),
        ("meter second-1", "m s-1"), ("metres/second", "m s-1"), ("m/s (grid-relative)", "m s-1"),
        ("cm/s", "cm s-1"), ("km/day", "km day-1"), ("kg/m2", "kg m-2"), ("kg m^-2", "kg m-2"),
        ("Meter", "m"), ("(0 - 1)", ""), ("%", "%"), ("m^2", "m2"), ("degrees_north",) * 2,
    ],
)  # fmt: skip
def test_a_unit_is_understood(written: str, read: str) -> None:
    assert plain(written) == read


@given(
    st.sampled_from(sorted(FIELDS)),
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20),
    st.sampled_from([1.0, 30.0, 90.0]),
)
def test_packing_keeps_zero_and_what_lies_inside_the_bounds(
    name: str, values: list[float], scale: float
) -> None:
    given_values = np.array(values, "f4")
    if FIELDS[name].upper != 1:
        given_values *= np.float32(scale)
    step = precision_for(name, float(given_values.max()))
    back = pack(name, given_values, step).astype("f8") * step
    assert not back[given_values == 0].any()
    assert np.abs(back - given_values).max() <= 1.001 * step
    if name not in DRIFT:
        assert (back[given_values > 0] > 0).all()
    if FIELDS[name].upper == 1:
        assert np.array_equal(back == 1, given_values == 1)


@given(st.sampled_from(sorted(PRECISION)), st.integers(1, 3999))
def test_what_was_packed_is_packed_again_to_the_same(name: str, steps: int) -> None:
    values = (np.array([steps], "f8") * PRECISION[name]).astype("f4")
    assert pack(name, values, PRECISION[name])[0] == steps


def test_precision_gives_way_to_large_values() -> None:
    assert precision_for("sit", 7.0) == PRECISION["sit"]
    assert precision_for("sit", 33.0) == 2 * PRECISION["sit"]
    assert 90 / precision_for("sit", 90.0) <= LARGEST


@pytest.mark.parametrize(
    "calendar, day, number, since",
    [("noleap", Day(1992, 3, 1), 60, 424), ("standard", Day(1992, 3, 1), 61, 425),
     ("360_day", Day(1992, 12, 30), 365, 719)],
)  # fmt: skip
def test_days_count_in_the_calendar_of_the_model(
    calendar: str, day: Day, number: int, since: int
) -> None:
    assert days_of_year([day], calendar)[0] == number
    assert days_since_start([day], calendar, Day(1991, 1, 1))[0] == since
