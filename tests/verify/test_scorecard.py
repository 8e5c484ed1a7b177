"""The whole card of scores, for states whose scores are known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import FieldError
from esm_coupler.verify.latent import load_network
from esm_coupler.verify.monthly import distances, monthly_scores, single_year_distances
from esm_coupler.verify.scorecard import evaluate, faed_scores, spectral_scores
from esm_coupler.verify.states import States, joined, matched

from .made_up import days, faed_checkpoint, random_states


def years_of_states(*years: int) -> States:
    """Every 15 days of some years, different in each."""
    return joined([random_states(24, f"{y}-01-01", step=15, seed=y) for y in years])


def with_less_ice(states: States, factor: float) -> States:
    fields = states.fields.copy()
    fields[:, :3] *= factor
    return replace(states, fields=fields)


def test_states_are_like_themselves() -> None:
    states = years_of_states(1991)
    scores = distances(states, states)
    crps = {name: scores.pop(name) for name in ("extent_crps", "volume_crps")}
    assert scores == pytest.approx(dict.fromkeys(scores, 0.0), abs=1e-7)
    assert set(scores) == {"zero", "full", "marginal", "ice_probability", "extent_wasserstein",
                           "volume_wasserstein", "joint"}  # fmt: skip
    assert min(crps.values()) >= 0


def test_half_the_ice_is_half_the_volume_in_each_month() -> None:
    states = years_of_states(1991)
    by_month = monthly_scores(with_less_ice(states, 0.5), states)
    assert sum(scores["states"] for scores in by_month.values()) == 24
    for scores in by_month.values():
        volume = scores["volume"]
        assert volume["generated"] == pytest.approx(volume["reference"] / 2)
        assert volume["wasserstein"] == pytest.approx(volume["reference"] / 2, rel=1e-6)
        assert scores["full"]["generated"] == 0 < scores["full"]["reference"]
        assert scores["zero"]["generated"] == pytest.approx(scores["zero"]["reference"])


def test_the_reference_has_the_calendar_days_of_the_states() -> None:
    training = years_of_states(1990, 1991)
    states = training.subset(np.array([3]))  # 15 February 1990
    true, weights = matched(training, states.dates)
    assert [str(d) for d in true.dates] == ["1990-02-15", "1991-02-15"]
    assert weights.tolist() == [0.5, 0.5]


def test_single_years_are_drawn_like_the_states() -> None:
    training = years_of_states(1988, 1989, 1990)
    by_year = single_year_distances(training, days("2018-03-01", 4, step=30))
    assert sorted(by_year) == [1988, 1989, 1990]
    own = training.subset(np.arange(4, 12, 2))
    assert by_year[1988] == pytest.approx(distances(own, training.subset(np.arange(24, 72))))


def test_spectra_of_larger_fields_and_of_single_years() -> None:
    states, training = years_of_states(1991), years_of_states(1988, 1989)
    larger = replace(states, fields=states.fields * 1.5)
    scores = spectral_scores(larger, states, training)
    assert len(scores["bands_cells"]) == 6
    for name in (*states.names, "divergence", "shear"):
        assert scores["reference"][name] == pytest.approx([2.25] * 6)
        pairs = np.array(scores["single_years"][name])
        assert pairs.shape == (6, 2) and (pairs[:, 0] <= 1).all() and (pairs[:, 1] >= 1).all()
        assert pairs.sum(axis=1) == pytest.approx(2)  # two years around their mean
    for name in states.names:  # each year over 1991, and so over each other
        pairs = np.array(scores["years_over_reference"][name])
        least, largest = np.array(scores["single_years"][name]).T
        assert pairs[:, 0] / pairs[:, 1] == pytest.approx(least / largest)
    own = spectral_scores(states, training.subset(np.arange(24)), training)
    pairs = np.array(own["years_over_reference"]["sit"])
    # 1988 over itself is 1; 1989 is what is left of the mean of both
    first = np.array(own["training"]["sit"]) / np.array(own["reference"]["sit"])
    expected = np.sort([np.ones(6), (2 - first) / first], axis=0).T
    assert pairs == pytest.approx(expected)


def test_the_autoencoder_s_own_part_is_paired(tmp_path: Path) -> None:
    states = years_of_states(1991)
    autoencoder = load_network(faed_checkpoint(tmp_path))
    scores = spectral_scores(states, states, autoencoder=autoencoder)
    assert scores["reference"]["sit"] == pytest.approx([1.0] * 6)
    assert scores["autoencoder"]["sit"] != pytest.approx([1.0] * 6, rel=0.1)


def test_faed_of_a_training_year_lies_among_single_years(tmp_path: Path) -> None:
    faed = load_network(faed_checkpoint(tmp_path), "autoencoder")
    training = years_of_states(1988, 1989, 1990)
    own, others = training.subset(np.arange(24)), training.subset(np.arange(24, 72))
    scores = faed_scores(own, own, training, faed)
    assert scores["reference"]["mean"] == pytest.approx(0, abs=1e-6)
    of_own = faed_scores(own, others, None, faed)["reference"]
    assert set(of_own) == {"DJF", "MAM", "JJA", "SON", "mean"}
    for season, (least, largest) in scores["single_years"].items():
        assert least * (1 - 1e-6) <= of_own[season] <= largest * (1 + 1e-6)


def test_the_whole_card_is_json_and_has_what_was_given(tmp_path: Path) -> None:
    states, training = years_of_states(1991), years_of_states(1988, 1989)
    raw = replace(states, fields=states.fields * np.float32(1.05))
    faed = load_network(faed_checkpoint(tmp_path))
    scores = evaluate(states, states, training, raw=raw, faed=faed, autoencoder=faed,
                      cost={"NFE": 39})  # fmt: skip
    assert json.loads(json.dumps(scores))["cost"] == {"NFE": 39}
    assert set(scores) == {"about", "distances", "monthly", "consistency", "spectra",
                           "deformation", "faed", "memory", "cost"}  # fmt: skip
    assert set(scores["distances"]) == {"reference", "training", "single_years"}
    assert scores["memory"]["generated"] == scores["memory"]["reference"]
    assert scores["deformation"]["generated"] == scores["deformation"]["reference"]
    assert scores["consistency"]["raw"]["broken"]["any"] > 0
    assert scores["consistency"]["generated"]["broken"]["any"] == 0


def test_a_copy_of_a_training_state_shows_in_memory() -> None:
    training = years_of_states(1988, 1989)
    scores = evaluate(training.subset(np.arange(24)), years_of_states(1991), training)
    assert set(scores["memory"]["generated"].values()) == {0.0}
    assert min(scores["memory"]["reference"].values()) > 0.1


def test_concentration_alone_can_be_scored() -> None:
    states = years_of_states(1991).of_names(("sic",))
    scores = evaluate(states, years_of_states(1990))
    assert "deformation" not in scores and "memory" not in scores
    assert list(scores["spectra"]["reference"]) == ["sic"]
    assert "joint" not in scores["distances"]["reference"]
    with pytest.raises(FieldError, match="need the field 'sic'"):
        evaluate(years_of_states(1991).of_names(("sit",)), states)
