"""`--set group.key=value` goes the way of the file's own values."""

from __future__ import annotations

import pytest

from esm_coupler.config import Config, parse_namelist
from esm_coupler.errors import ConfigError
from support.namelists import VALID


def read(*overrides: str) -> Config:
    return parse_namelist(VALID, "f.nml", overrides)


def test_an_override_beats_the_file() -> None:
    assert read("ensemble_nml.members=8").ensemble.members == 8


def test_the_last_of_two_overrides_wins() -> None:
    assert read("ensemble_nml.members=8", "ensemble_nml.members=9").ensemble.members == 9


def test_an_override_may_name_a_group_that_the_file_lacks() -> None:
    assert read("autoencoder_nml.channels=16").autoencoder.channels == 16


@pytest.mark.parametrize("value", ["it's.nc", "'it''s.nc'", '"it\'s.nc"', " it's.nc "])
def test_texts_need_no_quotes_since_shells_eat_them(value: str) -> None:
    assert read(f"ensemble_nml.output={value}").ensemble.output == "it's.nc"


def test_a_text_may_hold_an_equals_sign_and_a_comma() -> None:
    assert read("ensemble_nml.output=a=b,c.nc").ensemble.output == "a=b,c.nc"


@pytest.mark.parametrize("value", ["1990-03-04", "19900304", "'1990-03-04'"])
def test_dates_need_no_quotes_either(value: str) -> None:
    assert read(f"ensemble_nml.date={value}").ensemble.date == 19900304


def test_lists_are_separated_by_commas() -> None:
    training = read("training_nml.train_years=1984, 1988").training
    assert training is not None
    assert training.train_years == (1984, 1988)


FAULTS = {
    "no equals sign": ("ensemble_nml.members", "group.key=value"),
    "no group": ("members=3", "group.key=value"),
    "unknown group": ("ensembl_nml.members=3", "did you mean &ensemble_nml"),
    "group of the host": ("host_nml.members=3", "no group &host_nml"),
    "unknown key": ("ensemble_nml.membrs=3", "did you mean members"),
    "wrong type": ("ensemble_nml.members=3.0", "members = 3.0"),
    "two values": ("ensemble_nml.members=3,4", "members = 3,4"),
    "no value": ("ensemble_nml.members=", "members has no value"),
    "more than a value": ("ensemble_nml.members=3 seed=4", "members = 3 seed=4"),
    "end of a group": ("ensemble_nml.members=3 / &x", "members = 3 / &x"),
    "open quote": ("ensemble_nml.output='x", "output = 'x"),
    "text that goes on": ("ensemble_nml.output='x' 'y'", "output = 'x' 'y'"),
    "no such day": ("ensemble_nml.date=1990-02-30", "1990-02-30"),
    "line break": ("ensemble_nml.output=a\nb", "output"),
}


@pytest.mark.parametrize("override, named", FAULTS.values(), ids=FAULTS.keys())
def test_a_wrong_override_is_refused_by_name(override: str, named: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(override)
    assert "--set" in str(refused.value)
    assert named in str(refused.value)


def test_a_fault_that_an_override_mends_is_no_fault() -> None:
    faulty = VALID.replace("members = 3", "members = 0")
    assert parse_namelist(faulty, "f.nml", ["ensemble_nml.members=2"]).ensemble.members == 2
