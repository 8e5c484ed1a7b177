"""A run from generated states stays in bounds and keeps its books."""

from __future__ import annotations

import numpy as np
import pytest

from .run import Host, Run

START = 19900301


def integral(run: Run, name: str) -> np.ndarray:
    """Sum over the area of each member."""
    return (run.ensemble[name] * run.ensemble["cell_area"]).sum(("y", "x")).values


def test_the_table_has_a_generate_and_a_step_for_each_member(a_run: Run) -> None:
    rows = [(call.member, call.date, call.name) for call in a_run.calls]
    assert rows == [
        (1, START, "generate"), (1, 19900311, "step"),
        (2, START, "generate"), (2, 19900311, "step"),
    ]  # fmt: skip


def test_the_table_gives_the_extent_and_volume_that_are_in_the_file(a_run: Run) -> None:
    steps = [call for call in a_run.calls if call.name == "step"]
    ensemble = a_run.ensemble
    extent = ((ensemble["sic"] > 0.15) * ensemble["cell_area"]).sum(("y", "x")).values / 1e12
    assert [call.extent for call in steps] == pytest.approx(extent, abs=6e-4)
    assert [call.volume for call in steps] == pytest.approx(integral(a_run, "sit") / 1e12, abs=6e-4)


def test_an_untrained_model_is_projected_and_nothing_stays_out_of_bounds(a_run: Run) -> None:
    generated = [call for call in a_run.calls if call.name == "generate"]
    assert all(call.before > 0 for call in generated)
    assert all(call.after == 0 for call in a_run.calls)


def test_the_host_itself_lets_no_cell_go_out_of_bounds(a_run: Run) -> None:
    assert [call.before for call in a_run.calls if call.name == "step"] == [0, 0]


def test_nothing_but_growth_melt_and_ridging_changes_area_and_volumes(a_run: Run) -> None:
    assert len(a_run.residuals) == 3 * 2
    assert max(abs(residual) for residual in a_run.residuals) < 1e-12


def test_the_ice_moves_and_grows(a_run: Run) -> None:
    ensemble = a_run.ensemble
    assert float(abs(ensemble["siu"] - ensemble["siu_start"]).max()) > 0.01
    assert (integral(a_run, "sit") > 1.01 * integral(a_run, "sit_start")).all()


def test_without_growth_only_ridging_changes_anything(host: Host) -> None:
    run = host.run(growth=".false.")
    for name in ("sit", "snt"):
        assert integral(run, name) == pytest.approx(integral(run, name + "_start"), rel=1e-9)
    assert (integral(run, "sic") < integral(run, "sic_start")).all()


def test_july_melts_the_snow_first(host: Host) -> None:
    run = host.run(date=19900701)
    lost = 1 - integral(run, "snt") / integral(run, "snt_start")
    assert (lost > 1 - integral(run, "sit") / integral(run, "sit_start")).all()
    assert (lost > 0).all()


def test_long_steps_are_cut_so_that_no_cell_is_emptied_twice(host: Host) -> None:
    run = host.run(dt=432000.0)
    assert run.status == 0
    assert [call.before for call in run.calls if call.name == "step"] == [0, 0]


def test_the_calendar_knows_leap_years_and_new_years(host: Host) -> None:
    run = host.run(date=20000228, n_days=2, members=1)
    assert run.calls[-1].date == 20000301
    run = host.run(date=19991230, n_days=3, members=1)
    assert run.calls[-1].date == 20000102
