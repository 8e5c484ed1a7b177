"""The shipped model: a sea-ice scientist who looks at its members sees that season's Arctic."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import esm_coupler
from esm_coupler.generator.checkpoint import checkpoint_path
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.state import State, parse_date
from esm_coupler.training.data import read_days
from support.acceptance import accepted

MEMBERS = 3
SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample"
SEASONS = {"late winter": 19910302, "late summer": 19910829}  # two days of the sample


@pytest.fixture(scope="module")
def generator():
    return Generator.load("default")


@pytest.fixture(scope="module")
def seasons(generator):
    """Season -> samples of its members."""
    return {
        season: [generator.sample(Request(k + 1, parse_date(date))) for k in range(MEMBERS)]
        for season, date in SEASONS.items()
    }


@pytest.fixture(scope="module")
def simulated():
    """Season -> sic and sit of the held-back year on that day."""
    days = read_days(SAMPLE, [1991])
    found = {}
    for season, date in SEASONS.items():
        (index,) = np.flatnonzero(days.day_of_year == parse_date(date).timetuple().tm_yday)
        found[season] = days.fields[index, 0], days.fields[index, 1]
    return found


def area_of(grid, cells):
    return grid.cell_area[cells].sum() / 1e12  # million km2


def test_it_is_small_enough_to_ship():
    assert checkpoint_path("default").stat().st_size < 15e6


@pytest.mark.parametrize("season", SEASONS)
def test_members_are_acceptable_with_no_ice_on_land(seasons, season):
    for sample in seasons[season]:
        assert accepted(sample.state)
        in_real32 = sample.state.values.astype("f4").astype("f8")
        assert accepted(State(in_real32, sample.state.names, sample.state.grid))
        assert not sample.state.values[:, ~sample.state.grid.mask].any()


@pytest.mark.parametrize(("season", "tolerance"), [("late winter", 0.05), ("late summer", 0.5)])
def test_extent_is_that_of_the_season(generator, seasons, simulated, season, tolerance):
    truth = area_of(generator.grid, simulated[season][0] > 0.15)
    for sample in seasons[season]:
        assert area_of(generator.grid, sample.state["sic"] > 0.15) == pytest.approx(
            truth, rel=tolerance
        )


def test_the_winter_pack_is_compact_and_the_ocean_outside_is_open(seasons, simulated):
    truth = simulated["late winter"][0]
    mask = seasons["late winter"][0].state.grid.mask
    mean = np.mean([sample.state["sic"] for sample in seasons["late winter"]], axis=0)
    assert np.median(mean[truth > 0.95]) > 0.98
    # cells from which the ice of that day is at least three cells away
    near = truth > 0
    for _ in range(3):
        near = np.logical_or.reduce([np.roll(near, s, a) for s in (-1, 0, 1) for a in (0, 1)])
    assert (mean[mask & ~near] == 0).mean() > 0.95


@pytest.mark.parametrize("season", SEASONS)
def test_there_is_a_marginal_zone_between_pack_and_open_water(generator, seasons, season):
    for sample in seasons[season]:
        sic = sample.state["sic"]
        marginal = area_of(generator.grid, (sic > 0.15) & (sic < 0.8))
        assert 0.01 < marginal / area_of(generator.grid, sic > 0.15) < 0.9


def test_ice_is_thickest_north_of_greenland_and_canada(generator, seasons):
    grid = generator.grid
    lon = grid.lon % 360
    west = grid.mask & (grid.lat > 80) & (lon > 240) & (lon < 340)
    east = grid.mask & (grid.lat > 73) & (grid.lat < 80) & (lon > 90) & (lon < 170)
    for sample in seasons["late winter"]:
        assert sample.state["sit"][west].mean() > 1.3 * sample.state["sit"][east].mean()


@pytest.mark.parametrize("season", SEASONS)
def test_projection_changes_few_cells(generator, seasons, season):
    for sample in seasons[season]:
        assert sample.report.cells_changed < 0.03 * generator.grid.mask.sum()


@pytest.mark.parametrize("season", SEASONS)
def test_members_differ(seasons, season):
    for one, other in itertools.combinations(seasons[season], 2):
        assert np.abs(one.state["sit"] - other.state["sit"]).mean() > 0.02
