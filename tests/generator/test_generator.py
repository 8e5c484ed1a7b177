"""Same request, same bits; other requests, other states; all of them acceptable."""

import datetime
import hashlib
import subprocess
import sys

import numpy as np
import pytest

from esm_coupler.errors import ConfigError, InvalidValueError
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.generator.joint import NEW_ICE_THICKNESS, REMNANT_THICKNESS, joint_state
from esm_coupler.generator.schedule import SAMPLER_NAMES
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_checkpoint, tiny_grid
from support.acceptance import accepted


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    return Generator.load(tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors"))


def test_a_member_is_the_same_in_any_number_order_and_company(generator):
    alone = generator.generate(members=[3], seed=1, date=20180301)["sic"][0]
    among = generator.generate(members=4, seed=1, date="2018-03-01")["sic"][2]
    reversed_order = generator.generate(members=[4, 3, 2], seed=1, date=20180301)["sic"][1]
    assert np.array_equal(alone, among)
    assert np.array_equal(alone, reversed_order)


@pytest.mark.parametrize("sampler", SAMPLER_NAMES)
def test_with_any_sampler_a_member_does_not_depend_on_the_others(generator, sampler):
    def values(members):
        options = {"seed": 1, "date": 20180301, "n_steps": 6, "sampler": sampler}
        return generator.generate(members, **options).values

    assert np.array_equal(values([3])[0], values([7, 3, 1])[1])
    assert np.array_equal(values([3]), values([3]))


def test_samplers_and_their_options_make_other_states(generator):
    def values(**options):
        request = {"members": [2], "date": 20180301, "n_steps": 6, **options}
        return generator.generate(**request).values

    others = [
        {}, {"sampler": "heun"}, {"sampler": "stochastic"}, {"sampler": "stochastic", "churn": 1},
        {"sigma_min": 0.1}, {"sigma_max": 20}, {"rho": 3},
    ]  # fmt: skip
    assert len({values(**options).tobytes() for options in others}) == len(others)
    assert np.array_equal(values(sampler="stochastic", churn=0), values(sampler="heun"))


def test_the_origin_of_an_ensemble_tells_sampler_steps_and_evaluations(generator):
    dpm = generator.generate(1, sampler="dpm", n_steps=6).attributes
    assert (dpm["sampler"], dpm["n_steps"], dpm["nfe"]) == ("dpm", 6, 6)
    churned = generator.generate(1, sampler="stochastic", n_steps=6, churn=8).attributes
    assert (churned["sampler"], churned["n_steps"], churned["nfe"]) == ("stochastic", 6, 11)
    assert churned["noise_levels"] == "from 80 to 0.01, rho 7, churn 8"


def test_members_dates_and_seeds_differ(generator):
    def values(member=1, date=20180301, seed=1):
        return generator.sample(Request(member, parse_date(date), seed)).state.values

    base = values()
    for other in (values(member=2), values(date=20180302), values(seed=2)):
        assert not np.array_equal(base, other)


def test_the_day_of_the_year_is_a_condition_not_only_a_key_of_the_noise(generator):
    march = generator.generate(members=2, date=20180301)["sic"].mean(axis=0)
    september = generator.generate(members=2, date=20180901)["sic"].mean(axis=0)
    members = generator.generate(members=2, date=20180301)["sic"]
    assert np.abs(march - september).mean() > np.abs(members[0] - members[1]).mean()


def test_states_are_acceptable_and_zero_on_land(generator):
    ensemble = generator.generate(members=3, date=20180301)
    for values in ensemble.values:
        assert accepted(State(values, ensemble.names, ensemble.grid))
    assert not ensemble["sic"][:, ~ensemble.grid.mask].any()


def test_another_process_gives_the_same_bits(generator, tmp_path):
    path = tiny_checkpoint(tmp_path / "tiny.safetensors")
    code = (
        "import sys, torch; torch.set_num_threads(2); torch.manual_seed(5)\n"
        "from esm_coupler import Generator\n"
        "e = Generator.load(sys.argv[1]).generate(members=[2], date=20180301)\n"
        "import hashlib; print(hashlib.sha256(e.values.tobytes()).hexdigest())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    here = generator.generate(members=[2], date=20180301).values.tobytes()
    assert run.stdout.strip() == hashlib.sha256(here).hexdigest()


def test_the_callers_threads_and_random_state_are_left_alone(generator):
    import torch

    torch.set_num_threads(2)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    generator.generate(members=1, date=20180301)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize(
    ("request_of", "words"),
    [
        ({"members": 0}, "members is 0"),
        ({"members": [0]}, "member is 0"),
        ({"members": -3}, "members is -3"),
        ({"members": 1, "seed": -1}, "seed is -1"),
        ({"members": 1, "date": "2018-02-30"}, "2018-02-30"),
        ({"members": 1, "date": 20181301}, "20181301"),
        ({"members": 1, "date": 20180301.9}, "20180301.9"),
        ({"members": 1, "date": "2018-W09-4"}, "2018-W09-4"),
        ({"members": 1, "date": "1_990_0301"}, "1_990_0301"),
        ({"members": 1, "date": None}, "None"),
        ({"members": True}, "members is True"),
        ({"members": "3"}, "members is '3'"),
        ({"members": 2.0}, "members is 2.0"),
        ({"members": [1, 1]}, "different numbers"),
        ({"members": [2.5]}, "member is 2.5"),
        ({"members": [2**63]}, "member is 9223372036854775808"),
        ({"members": 1, "seed": 1.5}, "seed is 1.5"),
        ({"members": 1, "seed": 2**64}, "seed is 18446744073709551616"),
        ({"members": 1, "n_steps": 2.5}, "n_steps is 2.5"),
        ({"members": 1, "n_steps": 0}, "n_steps is 0"),
        ({"members": 1, "sampler": "euler"}, "sampler is 'euler': choose from heun, dpm, stoch"),
        ({"members": 1, "sigma_min": 0}, "sigma_min is 0"),
        ({"members": 1, "sigma_max": float("nan")}, "sigma_max is nan"),
        ({"members": 1, "rho": "7"}, "rho is '7'"),
        ({"members": 1, "churn": -1.0}, "churn is -1.0"),
    ],
)
def test_an_impossible_request_is_refused_by_name(generator, request_of, words):
    with pytest.raises(InvalidValueError, match=words):
        generator.generate(**{"date": 20180301, **request_of})


@pytest.mark.parametrize("date", [datetime.date(2018, 3, 1), datetime.datetime(2018, 3, 1, 12),
                                  20180301, np.int64(20180301), "20180301", "2018-03-01"])  # fmt: skip
def test_a_date_may_be_given_in_all_usual_ways(date):
    assert parse_date(date) == datetime.date(2018, 3, 1)


def test_numpy_numbers_count_members(generator):
    few = generator.generate(members=np.int64(2), seed=np.int64(1), date=20180301)
    assert few.realization == (1, 2)


@pytest.mark.parametrize(
    ("options", "error"), [({"device": "tpu"}, ConfigError), ({"threads": 0}, InvalidValueError)]
)
def test_an_unknown_device_and_no_threads_are_refused(tmp_path, options, error):
    path = tiny_checkpoint(tmp_path / "tiny.safetensors")
    with pytest.raises(error, match=str(next(iter(options.values())))):
        Generator.load(path, **options)


def test_area_without_volume_and_the_reverse_are_completed_and_counted():
    grid = tiny_grid((16, 16))
    fields = np.zeros((5, 16, 16))
    fields[:, 3, 3] = 0.0, 0.02, 0.001, 0.1, 0.1
    fields[:, 3, 5] = 0.3, 0.0, 0.0, 0.1, 0.1
    fields[3:, 12, 12] = 0.1
    state, completed = joint_state(fields, ("sic", "sit", "snt", "siu", "siv"), grid)
    assert completed == 2
    assert state["sic"][3, 3] == pytest.approx(0.02 / REMNANT_THICKNESS)
    assert state["sit"][3, 5] == pytest.approx(0.3 * NEW_ICE_THICKNESS)
    assert state["sit"][3, 3] == 0.02 and state["sic"][3, 5] == 0.3
    assert state["siu"][3, 3] == 0.1
    assert state["siu"][12, 12] == 0


def test_an_ensemble_file_follows_cf_and_says_where_it_comes_from(generator, tmp_path):
    import xarray

    ensemble = generator.generate(members=2, date=20180301)
    ensemble.to_netcdf(tmp_path / "e.nc")
    with xarray.open_dataset(tmp_path / "e.nc") as file:
        assert file["sic"].dims == ("realization", "y", "x")
        assert file["sit"].attrs["standard_name"] == "sea_ice_thickness"
        assert file["sic"].attrs["cell_methods"]
        assert str(file["time"].values)[:10] == "2018-03-01"
        assert file.attrs["checkpoint_sha256"] == generator.checkpoint_sha256
        assert {"lat", "lon", "mask", "cell_area"} <= set(file.variables)
        assert np.array_equal(file["sit"].values, ensemble["sit"])
