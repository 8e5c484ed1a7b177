"""Ensembles whose error is known: reliable in a world that the generator knows exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import esm_coupler
from esm_coupler.errors import FieldError, InvalidValueError
from esm_coupler.generator.generator import Generator
from esm_coupler.verify.states import States
from esm_coupler.verify.states_file import read_states
from esm_coupler.verify.twin import Errors, twins
from esm_coupler.verify.twin_table import Reliability, Twin, twin_table
from support.cli import esm_coupler as command
from support.tiny_pyramid import NAMES, tiny_pyramid

SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample"
FAR_FROM_BOUNDS = (0.5, 1.4, 0.3, 0.1, -0.1)
FEW = {"n_steps": 8, "sampler": "dpm"}


def drawn(generator: Generator, year: int, seed: int, days: int) -> States:
    """States of the generator's own world on the first days of a March."""
    dates = np.datetime64(f"{year}-03-01") + np.arange(days)
    values = [generator.generate([1], seed, day, **FEW).values[0] for day in dates.astype(object)]
    return States(np.stack(values), dates, NAMES, generator.grid)


@pytest.fixture(scope="module")
def world() -> tuple[Generator, States, States]:
    generator = tiny_pyramid(0.03, FAR_FROM_BOUNDS)
    return generator, drawn(generator, 1990, 1, 8), drawn(generator, 1991, 2, 4)


def pooled(
    generator: Generator, training: States, truths: States, members: int, share: float, **options
) -> dict[str, Reliability]:
    errors = Errors(generator, training, share, 10)
    runs = twins(generator, truths, errors, members, 3, options)
    found = [Twin.of(ensemble, truths, index) for index, (_, ensemble) in enumerate(runs)]
    return {n: Reliability.pooled([day.fields[n] for day in found]) for n in found[0].fields}


@pytest.mark.parametrize("share", [0.3, 0.7])
def test_spread_is_error_and_intervals_hold_the_truth(world, share: float) -> None:
    for name, found in pooled(*world, 20, share, **FEW).items():
        assert 0.9 < np.sqrt(found.spread / found.error) < 1.1, name
        half, most = found.held
        assert 0.42 < half < 0.58 and 0.85 < most < 0.95, name


def test_a_wrong_spread_shows(world) -> None:
    generator, training, truths = world
    errors = Errors(generator, training, 0.7, 10)
    index, (analysis, ensemble) = 0, next(twins(generator, truths, errors, 20, 3, FEW))
    narrow = analysis.values + 0.5 * (ensemble.fields - analysis.values)
    half = States(narrow, ensemble.dates, NAMES, generator.grid)
    found = Twin.of(half, truths, index).fields["sit"]
    assert np.sqrt(found.spread / found.error) < 0.7
    assert found.held[1] < 0.8


def test_the_table_has_a_row_a_day_and_one_of_all(world) -> None:
    generator, training, truths = world
    runs = twins(generator, truths, Errors(generator, training, 0.5, 10), 4, 3, FEW)
    days = [Twin.of(next(runs)[1], truths, index) for index in range(2)]
    table = twin_table(days)
    assert [row[0] for row in table.rows] == ["1991-03-01", "1991-03-02", "all"]
    assert all(len(row) == len(table.header) for row in table.rows)


def test_the_same_seed_gives_the_same_twin(world) -> None:
    generator, training, truths = world

    def first(seed: int) -> States:
        errors = Errors(generator, training, 0.5, 10)
        return next(twins(generator, truths, errors, 2, seed, FEW))[1]

    assert np.array_equal(first(3).fields, first(3).fields)
    assert not np.array_equal(first(3).fields, first(4).fields)


def test_half_a_pair_is_refused(world) -> None:
    generator, training, truths = world
    with pytest.raises(InvalidValueError, match="3 members are no whole pairs: ask for 4"):
        next(twins(generator, truths, Errors(generator, training, 0.5, 10), 3, 1, FEW))


def test_errors_need_two_days(world) -> None:
    generator, training, truths = world
    errors = Errors(generator, training.subset(np.array([0])), 0.5, 10)
    with pytest.raises(FieldError, match="1 training states lie within 10 days"):
        next(twins(generator, truths, errors, 2, 1, FEW))


@pytest.mark.slow
def test_the_default_checkpoint_is_near_it_on_the_sample() -> None:
    generator = Generator.load("default")
    truths = read_states(SAMPLE / "cice_arctic_1991.nc")
    training = read_states(SAMPLE / "cice_arctic_1990.nc")
    few = truths.subset(np.array([4, 14]))
    errors = Errors(generator, training, 0.5, 40)
    runs = twins(generator, few, errors, 10, 1, {"sampler": "dpm"})
    found = [Twin.of(ensemble, few, index) for index, (_, ensemble) in enumerate(runs)]
    for name in ("sic", "sit"):
        one = Reliability.pooled([day.fields[name] for day in found])
        assert 0.6 < np.sqrt(one.spread / one.error) < 1.6
        assert one.held[1] > 0.7  # 9 of 11 is what 10 members can hold


def test_the_verb_says_what_it_lacks() -> None:
    said = command("twin", "--days", "1", "--window", "1", "--members", "2").sentence()
    assert "training states lie within 1 days" in said
