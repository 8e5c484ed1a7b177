"""The cheap rivals are what their names say."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from esm_coupler.cli.member_store import MemberStore
from esm_coupler.errors import GeneratedStateError
from esm_coupler.state import State
from esm_coupler.verify.comparison import comparison, document, markdown, spectral_rows, within
from esm_coupler.verify.experiment import days_around_the_year, draw, read_drawn, write_drawn
from esm_coupler.verify.rivals import N_EOFS, climatology, eof_gaussian, eof_weights
from esm_coupler.verify.scorecard import evaluate
from verify.made_up import random_states


@pytest.fixture(scope="module")
def training():
    return random_states(60, step=6)


def test_climatology_is_a_training_state_of_the_nearest_day(training):
    rng = np.random.default_rng(0)
    drawn = climatology(rng, training.dates[7], training)
    assert any(np.array_equal(drawn, fields) for fields in training.fields)


def test_eof_gaussian_has_the_mean_and_the_spread_of_the_season(training):
    rng = np.random.default_rng(0)
    drawn = np.stack([eof_gaussian(rng, training.dates[7], training) for _ in range(300)])
    near = np.abs((training.dates - training.dates[7]).astype(int)) <= 15
    true = training.fields[near]
    ocean = training.grid.mask
    assert drawn[:, 1][:, ocean].mean() == pytest.approx(true[:, 1][:, ocean].mean(), rel=0.15)
    assert N_EOFS > 1
    for values in drawn[:5]:
        state = State(values, training.names, training.grid)
        assert 0 <= state["sic"].min() and state["sic"].max() <= 1
        assert not values[:, ~ocean].any()


def test_eofs_are_those_of_a_singular_value_decomposition():
    anomalies = np.random.default_rng(0).standard_normal((9, 400))
    anomalies -= anomalies.mean(axis=0)
    drawn = eof_weights(anomalies, 5) @ anomalies
    _, amplitudes, patterns = np.linalg.svd(anomalies, full_matrices=False)
    expected = amplitudes[:5, None] / np.sqrt(8) * patterns[:5]
    assert np.allclose(drawn, expected * np.sign((drawn * expected).sum(axis=1))[:, None])
    everything = eof_weights(anomalies, 9) @ anomalies
    assert np.allclose(everything.T @ everything, np.cov(anomalies, rowvar=False))


def test_states_of_a_row_are_kept_with_their_origin(training, tmp_path):
    dates = days_around_the_year(8)
    assert len(np.unique(dates)) == 8
    with MemberStore(tmp_path / "climatology.nc", {}) as kept:
        drawn = draw("climatology", dates, training, {}, kept)
    write_drawn(drawn, tmp_path, "climatology", {"states": 8})
    again = read_drawn(tmp_path, "climatology", {"states": 8})
    assert np.array_equal(again.states.fields, drawn.states.fields)
    assert read_drawn(tmp_path, "climatology", {"states": 9}) is None
    assert read_drawn(tmp_path, "other", {"states": 8}) is None


def test_a_row_that_was_stopped_goes_on_from_the_states_that_it_has(training, tmp_path):
    dates = days_around_the_year(8)
    with MemberStore(tmp_path / "whole.nc", {}) as kept:
        whole = draw("eof_gaussian", dates, training, {}, kept)

    def until_the_fifth(numbers):
        yield from numbers[:5]
        raise KeyboardInterrupt

    made = []
    with MemberStore(tmp_path / "row.nc", {}) as kept:
        with pytest.raises(KeyboardInterrupt):
            draw("eof_gaussian", dates, training, {}, kept, until_the_fifth)
        save = kept.save
        kept.save = lambda member, values: (made.append(member), save(member, values))
        again = draw("eof_gaussian", dates, training, {}, kept)
        assert made == [6, 7, 8]
        timed = draw("eof_gaussian", dates, training, {}, kept)  # all there: one for the clock
        assert made == [6, 7, 8, 8] and timed.cost["seconds_a_state"] > 0
    assert np.array_equal(again.states.fields, whole.states.fields)
    assert np.array_equal(again.decoded.fields, whole.decoded.fields)


class Refusing:
    """A generator whose first states of every other date, `times` each, are no sea ice."""

    model = SimpleNamespace(denoisers=(), space=torch.nn.Identity())

    def __init__(self, training, times):
        self.asked, self._training, self._times = [], training, times

    def nfe(self, request):
        return 7

    def sample(self, request):
        self.asked.append(request.member)
        if request.member % 2 == 0 and request.member <= 8 * self._times:
            raise GeneratedStateError("it is no sea ice")
        fields = self._training.fields[request.member % len(self._training)].astype("f8")
        return SimpleNamespace(decoded=State(fields, self._training.names, self._training.grid))


def test_refused_states_are_counted_and_drawn_again(training, tmp_path):
    dates = days_around_the_year(8)
    source = Refusing(training, times=2)
    with MemberStore(tmp_path / "row.nc", {}) as kept:
        first = draw(source, dates, training, {}, kept)
        assert first.cost["refused"] == 8 and first.cost["nfe"] == 7
        assert source.asked[:5] == [1, 2, 10, 18, 3]
        again = draw(source, dates, training, {}, kept)  # told of as often when it goes on
        assert again.cost["refused"] == 8
        assert np.array_equal(first.states.fields, again.states.fields)
    with MemberStore(tmp_path / "never.nc", {}) as kept:
        with pytest.raises(GeneratedStateError):
            draw(Refusing(training, times=9), dates, training, {}, kept)


def test_the_table_has_a_row_for_each_model_and_a_dash_for_what_is_not_known():
    spectra = {"training": {"sic": [0.9, 1.2]}, "bands_cells": [[36.0, 10.0], [10.0, 2.5]]}
    rows = {"a": {"spectra": spectra, "cost": {"nfe": 25}}, "b": {"spectra": spectra}}
    heading, first, second = comparison(rows)
    assert first[:4] == ["a", "0.90–1.20", "1 of 2", "–"]
    assert first[heading.index("NFE")] == "25" and second[heading.index("NFE")] == "–"
    assert spectral_rows(rows, "training")[1] == ["a", "sic", "0.90", "1.20"]
    assert spectral_rows(rows, "autoencoder") == []
    assert markdown(comparison(rows)).count("\n") == 4


def test_bands_are_counted_that_a_single_year_has_too():
    spectra = {
        "reference": {"sic": [0.5, 1.0, None], "sit": [1.2, 1.2, 1.2]},
        "years_over_reference": {
            "sic": [[0.6, 1.4], [0.6, 1.4], [0.6, 1.4]],
            "sit": [[0.6, 1.4], [0.6, 1.1], [1.2, 1.4]],
        },
    }
    assert within(spectra) == "3 of 6"
    assert within({"reference": spectra["reference"]}) == "–"


def test_the_document_has_the_floor_the_seasons_and_how_rows_were_trained():
    training = random_states(72, "1988-01-01", step=15)  # three years
    states, true = (random_states(12, f"{y}-01-05", step=30, seed=y) for y in (1990, 1991))
    scores = evaluate(states, true, training, raw=states)
    scores["faed"] = {
        "training": {"DJF": 30.0, "mean": 40.0}, "reference": {"mean": 50.0},
        "single_years": {"DJF": [20.0, 60.0], "mean": [25.0, 65.0]},
    }  # fmt: skip
    scores["cost"] = {"parameters": 2_000_000, "parameters_space": 300_000}
    settings = {"batch": 16, "seed": 3}
    scores["trained"] = {
        "autoencoder": {"steps": 10, "seconds": 60, "settings": settings, "hardware": "an abacus"},
        "denoiser": {"steps": 20, "seconds": 600, "seed": 1},
    }
    text = document({"ours": scores})
    assert "| ours | 30.0 | 40.0 |" in text
    assert "| single training years | 20.0–60.0 | 25.0–65.0 |" in text
    assert "| ours | autoencoder | 0.3 | 160 | 1 | 3 | an abacus |" in text
    assert "| ours | denoiser | 2.0 | – | 10 | 1 | – |" in text
    assert text.count("| single training years |") == 1 + 1 + 7  # scores, seasons, spectra
    assert text.count("| held back |") == 3  # projection, memory, deformation
    assert "the space alone" not in text  # none was given
