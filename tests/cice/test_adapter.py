"""CICE starts from generated states: the adapter in a model that has the names of CICE."""

from __future__ import annotations

import datetime
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coupling.layouts import idle, rows, stripes, three_each, tiles
from esm_coupler import Generator
from esm_coupler.generator.generator import Request
from esm_coupler.hosts.category_bounds import category_bounds
from esm_coupler.hosts.cice_checks import checks
from esm_coupler.hosts.cice_restart import read_cice_restart
from esm_coupler.hosts.cice_thermo import ice_enthalpy, salinity_profile
from esm_coupler.hosts.itd import Categories, rescale
from esm_coupler.state import State
from support.cice_template import template_values, write_cice
from support.snippets import ROOT

from .conftest import STEPS
from .model_run import AGGREGATES, CATEGORIES, NCAT, CiceLike, Fields, namelist

NY, NX = 16, 32
MEMBER = 2


@pytest.fixture(scope="session")
def sample(generator: Generator) -> State:
    request = Request(MEMBER, datetime.date(1990, 3, 1), n_steps=STEPS)
    return generator.sample(request).state


@pytest.fixture(scope="session")
def started(model: CiceLike, state: Fields) -> Fields:
    return model.run(state, tiles(NX, NY, 2), {"esm_member": MEMBER}).fields


def test_the_aggregates_are_those_of_the_generator(started: Fields, sample: State) -> None:
    for name, wanted in zip(AGGREGATES, ("sic", "sit", "snt"), strict=True):
        np.testing.assert_allclose(started[name], sample[wanted], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(started["uvel"], sample["siu"])
    np.testing.assert_array_equal(started["vvel"], sample["siv"])


def test_the_categories_are_those_of_the_restart_writer(
    started: Fields, state: Fields, sample: State
) -> None:
    """Of cells that had ice: new ice has another column there, from a neighbour."""
    names = ("aicen", "vicen", "vsnon")
    before = Categories(*(state[name].reshape(NCAT, -1) for name in names))
    totals = [sample[name].ravel() for name in ("sic", "sit", "snt")]
    wanted = rescale(*totals, before, category_bounds(NCAT))
    for name, part in zip(names, (wanted.area, wanted.volume, wanted.snow), strict=True):
        np.testing.assert_allclose(started[name].reshape(NCAT, -1), part, rtol=1e-9, atol=1e-13)


def test_cice_would_accept_the_columns(
    started: Fields, state: Fields, sample: State, tmp_path: Path
) -> None:
    values = template_values(sample.grid)
    values |= {name: started[name] for name in (*CATEGORIES, "uvel", "vvel", "iceumask", "sst")}
    restart = read_cice_restart(write_cice(tmp_path / "iced.nc", values))
    assert [str(found) for found in checks(restart, 0) if found.fatal] == []
    new = (started["aice"] > 0) & (state["aicen"].sum(axis=0) == 0)
    assert new.sum() > 20
    ice = started["aicen"][:, new] > 0
    assert (started["alvl"][:, new][ice] == 1).all()
    salinity = salinity_profile(3)[1]
    middle = ice_enthalpy(0.5 * (253 - 273.15 - 1.8), salinity)
    np.testing.assert_allclose(started["qice002"][:, new][ice], middle, rtol=1e-12)
    assert (started["sst"][new] <= -1.8).all() and (started["frzmlt"][new] == 0).all()


def test_no_stress_is_of_other_ice_and_the_mask_goes_with_the_ice(
    started: Fields, sample: State
) -> None:
    grid, ice = sample.grid, started["aice"] > 0
    assert (started["stress"][ice] == 0).all()
    np.testing.assert_array_equal(started["iceumask"] > 0, grid.touched_by(ice) & grid.drift_mask)


@pytest.mark.parametrize(
    ("layout", "ranks"), [(rows, 1), (three_each, 2), (idle, 2), (stripes, 3), (tiles, 4)]
)
def test_every_layout_gives_the_same_bits(
    model: CiceLike, state: Fields, started: Fields, layout, ranks: int
) -> None:
    run = model.run(state, layout(NX, NY, ranks), {"esm_member": MEMBER})
    for name, values in run.fields.items():
        assert values.tobytes() == started[name].tobytes(), name


def test_members_and_dates_differ(model: CiceLike, state: Fields, started: Fields) -> None:
    layout = rows(NX, NY, 1)
    other = model.run(state, layout, {"esm_member": MEMBER + 1}).fields
    later = model.run(state, layout, {"esm_member": MEMBER, "esm_date": 19900901}).fields
    same = model.run(state, layout, {"esm_member": MEMBER, "esm_date": 19900301}, mday=9).fields
    assert (other["aice"] != started["aice"]).any()
    assert (later["aice"] != started["aice"]).any()
    np.testing.assert_array_equal(same["aicen"], started["aicen"])


def unchanged(run_fields: Fields, state: Fields) -> list[str]:
    return [name for name in state if run_fields[name].tobytes() != state[name].tobytes()]


@pytest.mark.parametrize("esm", [None, {"esm_namelist": "none"}, {"esm_member": 0}])
def test_a_run_without_a_member_keeps_every_bit(model: CiceLike, state: Fields, esm) -> None:
    start = state | {"stress": 3 * state["stress"]}  # the program writes a sum of three
    run = model.run(state, tiles(NX, NY, 2), esm)
    np.testing.assert_allclose(run.fields["stress"], start["stress"], rtol=1e-15)
    assert unchanged(run.fields, state) == ["stress"]


def test_the_loopback_engine_keeps_every_bit(model: CiceLike, state: Fields) -> None:
    loopback = replace(model, coupler=namelist("coupler_nml", {"engine": "loopback"}))
    esm = {"esm_member": 1, "esm_each_step": True}
    run = loopback.run(state, three_each(NX, NY, 3), esm, n_steps=2)
    assert unchanged(run.fields, state) == ["stress"]


def test_a_step_keeps_a_state_that_is_acceptable_and_mends_what_is_not(
    model: CiceLike, state: Fields
) -> None:
    esm = {"esm_member": 0, "esm_each_step": True}
    once = model.run(state, tiles(NX, NY, 2), esm, n_steps=1).fields
    accepted = {name: once[name] for name in state} | {"stress": state["stress"]}
    again = model.run(accepted, tiles(NX, NY, 2), esm, n_steps=2).fields
    assert unchanged(again, accepted) == ["stress"]

    broken = {name: values.copy() for name, values in accepted.items()}
    j, i = np.argwhere(accepted["aicen"].sum(axis=0) > 0.1)[7]
    broken["vsnon"][:, j, i] = accepted["vicen"][:, j, i]  # floods its ice
    mended = model.run(broken, tiles(NX, NY, 2), esm, n_steps=1).fields
    snow, ice = (mended[name][:, j, i].sum() for name in ("vsnon", "vicen"))
    assert snow == pytest.approx(0.330 * ice, rel=1e-5)
    assert mended["stress"][j, i] == 0
    elsewhere = np.ones((NY, NX), bool)
    elsewhere[j, i] = False
    for name in CATEGORIES:
        assert mended[name][:, elsewhere].tobytes() == accepted[name][:, elsewhere].tobytes()


def test_what_was_done_is_in_the_log(model: CiceLike, state: Fields) -> None:
    run = model.run(state, rows(NX, NY, 2), {"esm_member": MEMBER})
    assert "(esm_coupler) member     2  date 19900301  cells corrected" in run.printed


def test_the_example_namelist_starts_a_member(
    model: CiceLike, state: Fields, started: Fields, checkpoint: Path
) -> None:
    example = (ROOT / "namelists" / "cice_adapter.nml").read_text()
    small = example.replace("'default'", f"'{checkpoint}'")
    small = small.replace("n_steps = 20", f"n_steps = {STEPS}")
    run = replace(model, coupler=small).run(state, rows(NX, NY, 1), {"esm_member": MEMBER})
    assert run.fields["aicen"].tobytes() == started["aicen"].tobytes()
