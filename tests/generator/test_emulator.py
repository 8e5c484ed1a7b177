"""A day of the emulator: same bits, acceptable states, a budget that closes, bad input named."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import pytest

from esm_coupler.errors import CheckpointError, DomainError, FieldError, InvalidValueError
from esm_coupler.errors import GeneratedStateError
from esm_coupler.generator.budget import TRACERS, give_back
from esm_coupler.generator.emulator import Emulator, Step, StepRequest, day_of_year
from esm_coupler.generator.generator import Generator
from esm_coupler.generator.projection import project
from esm_coupler.state import State
from esm_coupler.testing import tiny_checkpoint, tiny_emulator, tiny_grid
from support.acceptance import accepted
from support.weather import icy_state, weather

GRID = tiny_grid()
DAY = datetime.date(1990, 3, 1)
START, END = weather(GRID, 2)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    path = tiny_emulator(tmp_path_factory.mktemp("model") / "tiny.safetensors")
    return Emulator.load(path, device="cpu")


@pytest.fixture(scope="module")
def state() -> State:
    return icy_state(GRID)


def step(
    emulator: Emulator, state: State, member: int = 1, date: datetime.date = DAY, **options
) -> Step:
    return emulator.step(state, START, END, StepRequest(member, date, **options))


def sums(state: State) -> np.ndarray:
    """Area, ice volume and snow volume."""
    return np.array([(state[name] * GRID.cell_area).sum() for name in TRACERS])


@pytest.mark.parametrize("conserve", [False, True])
def test_states_are_acceptable_day_after_day(
    emulator: Emulator, state: State, conserve: bool
) -> None:
    for day in range(5):
        before, date = state, DAY + datetime.timedelta(days=day)
        state = step(emulator, state, date=date, conserve=conserve).state
        assert accepted(state)
        same, report = project(state)
        assert report.cells_changed == 0 and np.array_equal(same.values, state.values)
        assert not np.array_equal(state.values, before.values)
        for name in state.names:
            assert not state[name][~state.support(name)].any()


def test_what_is_rounded_to_real32_is_acceptable_too(emulator: Emulator, state: State) -> None:
    after = step(emulator, state).state
    assert accepted(State(after.values.astype("f4").astype("f8"), after.names, after.grid))


def test_a_member_is_the_same_again_and_after_others(emulator: Emulator, state: State) -> None:
    first = [step(emulator, state, member=k).state.values for k in (1, 2, 3)]
    again = [step(emulator, state, member=k).state.values for k in (3, 1, 2)]
    for member, at in ((0, 1), (1, 2), (2, 0)):
        assert np.array_equal(first[member], again[at])


def test_a_batch_is_each_member_alone_but_for_round_off(emulator: Emulator, state: State) -> None:
    other = State(0.9 * state.values, state.names, GRID)
    requests = [StepRequest(2, DAY), StepRequest(5, DAY, seed=3, conserve=True)]
    together = emulator.steps([state, other], START, END, requests)
    for one, given, request in zip(together, (state, other), requests, strict=True):
        alone = emulator.step(given, START, END, request).state
        assert np.abs(one.state.values - alone.values).max() < 1e-4
        assert one.seconds > 0


def test_members_dates_seeds_states_and_forcings_differ(emulator: Emulator, state: State) -> None:
    warmer, windy = END.copy(), END.copy()
    warmer[0] += 5.0
    windy[1] += 5.0
    less, request = State(0.9 * state.values, state.names, GRID), StepRequest(1, DAY)
    others = [
        step(emulator, state), step(emulator, state, member=2), step(emulator, state, seed=2),
        step(emulator, state, date=datetime.date(1990, 3, 2)), step(emulator, less),
        emulator.step(state, START, warmer, request), emulator.step(state, START, windy, request),
        emulator.step(state, END, END, request), emulator.step(state, END, START, request),
    ]  # fmt: skip
    assert len({other.state.sha256 for other in others}) == len(others)


def test_the_season_is_a_condition_not_only_a_key_of_the_noise(
    emulator: Emulator, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "esm_coupler.generator.emulator.step_noise",
        lambda shapes, memory, **key: emulator_noise(shapes, memory),
    )
    march, july = (step(emulator, state, date=datetime.date(1990, m, 1)).state for m in (3, 7))
    assert not np.array_equal(march.values, july.values)


def emulator_noise(shapes, memory):
    from esm_coupler.generator.step_noise import step_noise

    return step_noise(shapes, memory, seed=1, member=1, date=DAY)


@pytest.mark.parametrize("on_land", [np.nan, np.inf, -9999.0, 1e36])
def test_forcing_on_land_does_not_matter(
    emulator: Emulator, state: State, on_land: float
) -> None:
    start, end = (np.where(GRID.mask, values, on_land) for values in (START, END))
    after = emulator.step(state, start, end, StepRequest(1, DAY)).state
    assert np.array_equal(after.values, step(emulator, state).state.values)


def test_a_state_that_needs_mending_is_mended_before(emulator: Emulator, state: State) -> None:
    wild = State(state.values.copy(), state.names, GRID)
    wild["sic"][10, 5] = 1.05
    assert step(emulator, wild).state.sha256 == step(emulator, project(wild)[0]).state.sha256


def test_the_state_and_the_forcing_that_are_given_stay_as_they_are(
    emulator: Emulator, state: State
) -> None:
    before = state.values.copy(), START.copy(), END.copy()
    step(emulator, state, conserve=True)
    for was, now in zip(before, (state.values, START, END), strict=True):
        assert np.array_equal(was, now)


def test_the_callers_threads_and_random_state_are_left_alone(
    emulator: Emulator, state: State
) -> None:
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    step(emulator, state)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), before)
    torch.set_num_threads(threads)


@pytest.mark.parametrize("conserve", [False, True])
def test_the_budget_closes(emulator: Emulator, state: State, conserve: bool) -> None:
    done = step(emulator, state, conserve=conserve)
    size = sums(state)
    assert np.array(done.budget.change) == pytest.approx(
        sums(done.state) - size, abs=1e-12 * size.max()
    )
    assert (np.abs(done.budget.residual) < 1e-12 * size).all()
    assert (np.abs(done.budget.transport) < 1e-12 * size).all()
    assert (np.abs(done.budget.source) > 1e-4 * size).all()


def test_what_bounds_mend_is_given_back_where_it_is_asked_for(
    emulator: Emulator, state: State
) -> None:
    free, exact = (step(emulator, state, conserve=conserve) for conserve in (False, True))
    size = sums(state)
    assert (np.abs(free.budget.mended) > 1e-6 * size).any()
    assert (np.abs(exact.budget.mended[1:]) < 1e-12 * size[1:]).all()
    expected = size + exact.budget.source + exact.budget.transport
    assert sums(exact.state)[1:] == pytest.approx(expected[1:], rel=1e-12)
    assert np.array_equal(exact.state["sic"], free.state["sic"])


def test_ice_of_which_none_is_left_can_take_nothing_back() -> None:
    empty = State(np.zeros((5, *GRID.shape)), icy_state(GRID).names, GRID)
    asked = np.zeros((3, *GRID.shape))
    asked[1, 5, 5] = 0.01
    with pytest.raises(GeneratedStateError, match="find no room .*; set conserve = .false."):
        give_back(empty, asked)
    assert not give_back(empty, 0 * asked).values.any()


def test_open_water_may_freeze_and_all_ice_may_drift(emulator: Emulator, state: State) -> None:
    empty = State(np.zeros_like(state.values), state.names, GRID)
    after = step(emulator, empty).state
    assert accepted(after) and after["sic"].any()


@pytest.mark.parametrize(
    ("date", "number"),
    [((1990, 1, 1), 1), ((1992, 2, 28), 59), ((1992, 2, 29), 59), ((1992, 3, 1), 60),
     ((1990, 3, 1), 60), ((1992, 12, 31), 365), ((1900, 12, 31), 365), ((2000, 12, 31), 365)],
)  # fmt: skip
def test_a_leap_day_is_as_the_day_before(date: tuple[int, int, int], number: int) -> None:
    assert day_of_year(datetime.date(*date)) == number


@pytest.mark.parametrize("date", [(1992, 2, 29), (1, 1, 1), (9999, 12, 30)])
def test_any_date_that_there_is_can_be_stepped_from(
    emulator: Emulator, state: State, date: tuple[int, int, int]
) -> None:
    assert accepted(step(emulator, state, date=datetime.date(*date)).state)


def test_the_origin_says_what_made_a_state(emulator: Emulator) -> None:
    told = emulator.provenance(3, conserve=True)
    assert (told["mode"], told["seed"], told["conserve"], told["nfe"]) == ("emulator", 3, "true", 1)
    assert told["emulator_sha256"] == emulator.checkpoint_sha256


@pytest.mark.parametrize(
    ("index", "value", "words"),
    [
        ((0, 8, 8), np.nan, "forcing 'tas' is nan K at i=9, j=9 and so at 1 points in all"),
        ((0, 8, 8), -20.0, "forcing 'tas' is -20.0 K at i=9, j=9 .*: between 150 and 350 is plaus"),
        ((1, 2, 3), np.inf, "forcing 'uas' is inf m s-1 at i=4, j=3"),
        ((2, 5, 3), -300.0, "forcing 'vas' is -300.0 m s-1 at i=4, j=6"),
    ],
)
@pytest.mark.parametrize("which", ["start", "end"])
def test_forcing_that_cannot_be_is_refused_by_place(
    emulator: Emulator, state: State, index: tuple, value: float, words: str, which: str
) -> None:
    wrong = START.copy()
    wrong[index] = value
    ends = (wrong, END) if which == "start" else (START, wrong)
    with pytest.raises(InvalidValueError, match=words):
        emulator.step(state, *ends, StepRequest(1, DAY))


@pytest.mark.parametrize(
    "values", [START[:2], START[:, :8], START[0], START[None], None, 3.0, np.zeros((3, 8, 16))]
)
def test_forcing_of_another_shape_is_refused(emulator: Emulator, state: State, values) -> None:
    words = r"forcing has shape \(.*\), needed is \(3, 16, 32\): tas, uas, vas"
    for ends in ((values, END), (START, values)):
        with pytest.raises(FieldError, match=words):
            emulator.step(state, *ends, StepRequest(1, DAY))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("sic", np.nan, "field 'sic' is nan at i=9, j=8"), ("siu", 1e30, "field 'siu' is 1e.30 m s")],
)
def test_a_state_that_cannot_be_is_refused(
    emulator: Emulator, state: State, name: str, value: float, words: str
) -> None:
    wrong = State(state.values.copy(), state.names, GRID)
    wrong[name][7, 8] = value
    with pytest.raises(InvalidValueError, match=words):
        step(emulator, wrong)


def test_a_state_of_another_grid_or_of_other_fields_is_refused(
    emulator: Emulator, state: State
) -> None:
    small = icy_state(tiny_grid((16, 16)))
    with pytest.raises(DomainError, match="the state has 16 x 16 cells, the emulator has 32 x 16"):
        step(emulator, small)
    for order in ((0, 1, 2), (1, 0, 2, 3, 4)):
        names = tuple(state.names[k] for k in order)
        with pytest.raises(FieldError, match="an emulator steps sic, sit, snt, siu, siv, in this"):
            step(emulator, State(state.values[list(order)], names, GRID))


def test_states_and_requests_belong_together(emulator: Emulator, state: State) -> None:
    two = [StepRequest(1, DAY), StepRequest(2, DAY)]
    for states, requests in (([state], two), ([], []), ([state, state], two[:1])):
        words = f"{len(states)} states and {len(requests)} requests are given"
        with pytest.raises(InvalidValueError, match=words):
            emulator.steps(states, START, END, requests)
    apart = [two[0], StepRequest(2, datetime.date(1990, 3, 5))]
    with pytest.raises(InvalidValueError, match="requests are of 1990-03-01 and of 1990-03-05"):
        emulator.steps([state, state], START, END, apart)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"member": 0}, "member is 0"), ({"member": 2.5}, "member is 2.5"),
        ({"member": True}, "member is True"), ({"member": 2**31}, "member is 2147483648"),
        ({"seed": -1}, "seed is -1"), ({"seed": "1"}, "seed is '1'"),
    ],
)  # fmt: skip
def test_an_impossible_request_is_refused(options: dict, words: str) -> None:
    with pytest.raises(InvalidValueError, match=words):
        StepRequest(**{"member": 1, "date": DAY, **options})


def test_a_checkpoint_must_be_there_and_of_the_right_kind(tmp_path) -> None:
    with pytest.raises(CheckpointError, match="checkpoint 'absent.nc' is neither a file nor"):
        Emulator.load("absent.nc")
    generator = tiny_checkpoint(tmp_path / "generator.safetensors")
    with pytest.raises(CheckpointError, match="is a checkpoint of kind 'generator', needed is 'e"):
        Emulator.load(generator)
    emulator = tiny_emulator(tmp_path / "emulator.safetensors")
    with pytest.raises(CheckpointError, match="is a checkpoint of kind 'emulator', needed is 'g"):
        Generator.load(emulator)
    emulator.write_bytes(emulator.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="emulator.safetensors is not a readable"):
        Emulator.load(emulator)


def test_threads_below_one_are_refused(emulator: Emulator) -> None:
    with pytest.raises(InvalidValueError, match="threads is 0: torch needs 1 or more"):
        Emulator(emulator.network, emulator.grid, {}, "0" * 64, "cpu", 0)


def test_drift_at_cell_centres_is_stepped_too(emulator: Emulator, tmp_path) -> None:
    from esm_coupler.generator.emulator_file import save_emulator
    from esm_coupler.generator.step_network import StepNetwork

    grid = replace(GRID, drift_location="centre")
    network = StepNetwork(emulator.network.config, grid)
    network.load_state_dict(emulator.network.state_dict())
    save_emulator(tmp_path / "centre.safetensors", network, grid, {})
    centred = Emulator.load(tmp_path / "centre.safetensors", device="cpu")
    after = centred.step(icy_state(grid), START, END, StepRequest(1, DAY)).state
    assert project(after)[1].cells_changed == 0 and after["siu"].any()
