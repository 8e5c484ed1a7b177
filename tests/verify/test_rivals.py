"""The cheap rivals are what their names say."""

import numpy as np
import pytest

from esm_coupler.state import State
from esm_coupler.verify.comparison import comparison, markdown, spectral_rows
from esm_coupler.verify.experiment import days_around_the_year, draw, read_drawn, write_drawn
from esm_coupler.verify.rivals import N_EOFS, climatology, eof_gaussian, eof_weights
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
    drawn = draw("climatology", dates, training, {})
    write_drawn(drawn, tmp_path, "climatology", {"states": 8})
    again = read_drawn(tmp_path, "climatology", {"states": 8})
    assert np.array_equal(again.states.fields, drawn.states.fields)
    assert read_drawn(tmp_path, "climatology", {"states": 9}) is None
    assert read_drawn(tmp_path, "other", {"states": 8}) is None


def test_the_table_has_a_row_for_each_model_and_a_dash_for_what_is_not_known():
    spectra = {"training": {"sic": [0.9, 1.2]}, "bands_cells": [[36.0, 10.0], [10.0, 2.5]]}
    rows = {"a": {"spectra": spectra, "cost": {"nfe": 25}}, "b": {"spectra": spectra}}
    heading, first, second = comparison(rows)
    assert first[0] == "a" and first[1] == "0.90–1.20"
    assert first[heading.index("NFE")] == "25" and second[heading.index("NFE")] == "–"
    assert spectral_rows(rows, "training")[1] == ["a", "sic", "0.90", "1.20"]
    assert spectral_rows(rows, "autoencoder") == []
    assert markdown(comparison(rows)).count("\n") == 4
