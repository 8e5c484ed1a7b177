"""Hindcasts and free runs of emulators whose forecasts are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from verify.made_up import NAMES, days, open_grid, random_states

from esm_coupler.errors import ConfigError, FieldError
from esm_coupler.generator.emulator import StepRequest
from esm_coupler.generator.projection import project
from esm_coupler.state import TIME, State
from esm_coupler.verify.forecast_physics import score_physics
from esm_coupler.verify.free_run import free_run, judge
from esm_coupler.verify.hindcast import EMULATOR, TWIN, Rivals, Year, hindcast, run_forward
from esm_coupler.verify.states import States, joined

GRID = open_grid(20)
N_DAYS = 70

Says = Callable[[State, StepRequest], np.ndarray]


@dataclass(frozen=True)
class Known:
    """An emulator that answers with what `says` returns."""

    says: Says
    names: tuple[str, ...] = NAMES
    grid = GRID

    def steps(
        self, states: list[State], start: np.ndarray, end: np.ndarray, requests: list[StepRequest]
    ) -> list[SimpleNamespace]:
        made = []
        for state, request in zip(states, requests, strict=True):
            after = State(np.array(self.says(state, request), "f8"), NAMES, GRID)
            made.append(SimpleNamespace(state=after, report=project(after)[1]))
        return made


def year_of(number: int) -> Year:
    states = random_states(N_DAYS, f"{number}-01-01", seed=number, grid=GRID)
    return Year(states, np.zeros((N_DAYS, 3, *GRID.shape), "f4"))


YEAR = year_of(1991)


def tomorrow(state: State, request: StepRequest) -> np.ndarray:
    place = int((np.datetime64(request.date) - YEAR.states.dates[0]).astype(int))
    return YEAR.states.fields[place + 1]


def the_same(state: State, request: StepRequest) -> np.ndarray:
    return state.values


def thicker(state: State, request: StepRequest) -> np.ndarray:
    """Member k gains k cm a day where there is ice."""
    values = state.values.copy()
    values[1] += 0.01 * request.member * (values[0] > 0)
    return values


@pytest.fixture(scope="module")
def training() -> States:
    return joined([year_of(number).states for number in (1988, 1990)])


@pytest.fixture(scope="module")
def rivals(training: States) -> Rivals:
    return Rivals.of(training, (1, 15))


def test_who_knows_the_truth_has_no_error(rivals: Rivals) -> None:
    found = hindcast({EMULATOR: (Known(tomorrow), 2)}, YEAR, 9, (1, 15), rivals)
    for lead in ("1", "15"):
        assert found.scores[EMULATOR][lead]["sic"]["error"] == 0.0
        assert found.scores[EMULATOR][lead]["edge"] == 0.0
        assert found.scores["persistence"][lead]["sic"]["error"] > 0.01
    assert np.array_equal(found.last[0], YEAR.states.fields[24])
    assert np.allclose(found.power[EMULATOR]["15"], found.power["truth"]["15"])


def test_who_changes_nothing_is_persistence(rivals: Rivals) -> None:
    emulators = {EMULATOR: (Known(the_same), 2), TWIN: (Known(the_same), 1)}
    found = hindcast(emulators, YEAR, 3, (1, 15), rivals).scores
    assert list(found) == [EMULATOR, TWIN, "damped persistence", "persistence", "climatology"]
    assert found[TWIN] == found["persistence"]
    for lead in ("1", "15"):
        assert found[EMULATOR][lead]["sit"]["crps"] == pytest.approx(
            found["persistence"][lead]["sit"]["crps"]
        )


def test_members_and_dates_are_told(rivals: Rivals) -> None:
    asked = []

    def listening(state: State, request: StepRequest) -> np.ndarray:
        asked.append((request.member, str(request.date), request.seed))
        return state.values

    for _ in run_forward(Known(listening), YEAR, 58, 2, members=2, seed=7):
        pass
    assert asked == [(1, "1991-02-28", 7), (2, "1991-02-28", 7),
                     (1, "1991-03-01", 7), (2, "1991-03-01", 7)]  # fmt: skip


def test_starts_are_over_the_year_and_have_their_leads_in_it() -> None:
    assert YEAR.starts(3, 30).tolist() == [0, 19, 39]
    assert len(YEAR.starts(500, 30)) == 40
    with pytest.raises(ConfigError, match="the year has 70 days, a forecast of 70 days needs 71"):
        YEAR.starts(3, 70)


def test_a_year_has_each_day() -> None:
    with pytest.raises(ConfigError, match="after 1991-01-05 the next state is of 1991-01-07"):
        keep = np.arange(N_DAYS) != 5
        Year(YEAR.states.subset(keep), YEAR.forcing[keep])
    with pytest.raises(ConfigError, match="70 days of states and 69 of forcing"):
        Year(YEAR.states, YEAR.forcing[1:])


def test_a_calendar_without_leap_days_has_no_gap() -> None:
    dates = days("1988-01-01", N_DAYS + 1)
    dates = dates[dates != np.datetime64("1988-02-29")]
    Year(replace(YEAR.states, dates=dates), YEAR.forcing)


def test_a_free_run_tells_volume_spread_and_who_leaves_the_range(training: States) -> None:
    *_, run = free_run(Known(thicker), YEAR, 3)
    assert run.days == N_DAYS - 1
    ice = YEAR.states["sic"][0] > 0
    gained = run.totals["volume"][-1] - run.totals["volume"][0]
    expected = 0.01 * np.arange(1, 4) * (run.days - 1) * GRID.cell_area[ice].sum() / 1e12
    assert np.allclose(gained, expected, rtol=1e-5)

    found = judge(run, YEAR, training)
    assert [month["month"] for month in found["volume"]] == [1, 2, 3]
    assert found["volume"][-1]["within"] == 0
    volume = run.totals["volume"]
    assert found["spread_at_the_end"]["volume"] == pytest.approx(volume[-1].std(ddof=1))
    assert found["spread_at_the_end"]["sic"] == 0.0
    assert found["finite"]


def test_a_free_run_within_the_range_is_counted(training: States) -> None:
    *_, run = free_run(Known(tomorrow), YEAR, 2)
    wide = States(training.fields.copy(), training.dates, NAMES, GRID)
    wide.fields[:N_DAYS] *= 0.5
    wide.fields[N_DAYS:] = np.minimum(1.5 * wide.fields[N_DAYS:], 1.0)
    found = judge(run, YEAR, wide)
    assert [month["within"] for month in found["extent"]] == [2, 2, 2]
    for month in found["volume"]:
        assert month["least"] < month["truth"] == pytest.approx(month["members"][0], rel=1e-5)


def test_a_free_run_goes_on_where_it_was(training: States) -> None:
    months = list(free_run(Known(thicker), YEAR, 2))
    assert [run.days for run in months] == [30, 58, 69]
    *_, rest = free_run(Known(thicker), YEAR, 2, begun=months[0])
    assert np.array_equal(rest.totals["volume"], months[-1].totals["volume"])
    assert not list(free_run(Known(thicker), YEAR, 2, begun=rest))


def test_cells_that_projection_mends_are_counted() -> None:
    def broken(state: State, request: StepRequest) -> np.ndarray:
        values = state.values.copy()
        values[0, 3, 3:5] = 1.05
        return values

    *_, run = free_run(Known(broken), YEAR, 1)
    assert (run.mended == 2).all()


def host_file(path: Path, start: int, end: int) -> Path:
    """One member that persists, as the reference host writes it."""
    state = YEAR.states.subset(np.array([start]))
    dataset = state.to_dataset()
    for name in ("sic", "sit"):
        dataset[f"{name}_start"] = dataset[name]
    dates = YEAR.states.dates.astype("i4")
    dataset = dataset.drop_vars("time")
    dataset["time"], dataset["time_start"] = ((), dates[end], TIME), ((), dates[start], TIME)
    dataset.to_netcdf(path)
    return path


def test_files_of_a_host_are_scored_at_their_lead(tmp_path: Path, rivals: Rivals) -> None:
    files = [host_file(tmp_path / f"{k}.nc", k, k + 15) for k in (3, 8)]
    found = score_physics(files, YEAR.states)
    assert list(found) == ["15"] and len(found["15"]) == 2
    scores = hindcast({EMULATOR: (Known(the_same), 1)}, YEAR, 3, (1, 15), rivals).scores
    assert found["15"][0]["sit"]["error"] == pytest.approx(
        scores["persistence"]["15"]["sit"]["error"], rel=1e-6
    )


def test_a_file_that_does_not_go_forward_is_refused(tmp_path: Path) -> None:
    file = host_file(tmp_path / "start.nc", 3, 3)
    with pytest.raises(FieldError, match="goes from 1991-01-04 to 1991-01-04"):
        score_physics([file], YEAR.states)
