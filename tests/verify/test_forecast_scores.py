"""Scores of forecasts whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
from verify.made_up import NAMES, open_grid

from esm_coupler.verify.forecast_scores import EDGE, pooled, score
from esm_coupler.verify.forecast_table import document, score_rows, summary, target_rows

GRID = open_grid(42)


def state(sic: float = 0.8, sit: float = 1.0, siu: float = 0.0, siv: float = 0.0) -> np.ndarray:
    """(field, y, x), the same over the ocean."""
    values = np.array([sic, sit, 0.1, siu, siv])[:, None, None] * GRID.mask
    values[3:] *= GRID.drift_mask
    return values


def drawn(n_forecasts: int, members: int, wide: float = 1.0) -> list[dict]:
    """Scores of members and truths of one normal distribution of sit, members `wide` times as
    wide."""
    rng, found = np.random.default_rng(1), []
    for _ in range(n_forecasts):
        noise = rng.standard_normal((members + 1, *GRID.shape)) * GRID.mask
        fields = np.stack([state(sit=10.0) for _ in range(members + 1)])
        fields[:, 1] += noise * np.array([*[wide] * members, 1.0])[:, None, None]
        found.append(score(fields[:-1], fields[-1], NAMES, GRID))
    return found


@pytest.mark.parametrize("members", [2, 12])
def test_a_perfect_ensemble_has_the_spread_of_its_error_at_any_size(members: int) -> None:
    found = pooled(drawn(12, members))["sit"]
    assert found["spread_over_rmse"] == pytest.approx(1, abs=0.03)
    assert found["rmse"] == pytest.approx(np.sqrt(1 + 1 / members), rel=0.03)
    assert found["crps"] == pytest.approx(1 / np.sqrt(np.pi), abs=0.03)
    assert np.allclose(found["ranks"], 1 / (members + 1), rtol=0.15)


def test_members_that_are_too_like_show() -> None:
    found = pooled(drawn(6, 12, wide=0.5))["sit"]
    assert found["spread_over_rmse"] < 0.6
    assert found["ranks"][0] > 2 * found["ranks"][6]


def test_errors_are_pooled_before_the_root() -> None:
    scores = [score(state(sit=1.0 + e)[None], state(sit=1.0), NAMES, GRID) for e in (3.0, 4.0)]
    found = pooled(scores)
    assert found["sit"]["rmse"] == pytest.approx(np.sqrt(12.5))
    assert found["forecasts"] == 2


def test_the_crps_of_a_single_forecast_is_its_mean_absolute_error() -> None:
    found = pooled([score(state(sic=0.5)[None], state(sic=0.8), NAMES, GRID)])["sic"]
    assert found["crps"] == pytest.approx(0.3)
    assert "spread" not in found and "ranks" not in found


def test_cells_count_with_their_area() -> None:
    area = np.where(np.arange(42)[:, None] < 21, 3.0, 1.0) * np.ones(GRID.shape)
    grid = type(GRID)(GRID.mask, GRID.lat, GRID.lon, area, GRID.angle)
    wrong = state()
    wrong[1][:21] += 1.0 * GRID.mask[:21]
    found = score(wrong[None], state(), NAMES, grid)["sit"]
    assert found["error"] == pytest.approx(3 / 4)


def test_the_error_of_persistence_of_a_known_drift() -> None:
    """A change of (0.3, 0.4) m/s has a mean square of 0.125 over both components."""
    found = pooled([score(state(siu=0.3, siv=0.4)[None], state(), NAMES, GRID)])["drift"]
    assert found["rmse"] == pytest.approx(np.sqrt(0.125))
    assert found["crps"] == pytest.approx(0.35)


def test_drift_counts_where_the_truth_has_ice() -> None:
    truth = state()
    truth[:3, :, 21:] = 0.0
    forecast = truth.copy()
    forecast[3, :, 25:] = 5.0  # open water in the truth
    assert score(forecast[None], truth, NAMES, GRID)["drift"]["error"] == 0.0
    assert "drift" not in score(forecast[None], state(sic=0.0), NAMES, GRID)


def test_the_edge_is_that_of_the_median() -> None:
    truth, open_water = state(sic=0.8), state(sic=0.0)
    ocean = GRID.cell_area[GRID.mask].sum() / 1e12
    assert score(np.stack([truth, truth, open_water]), truth, NAMES, GRID)[EDGE] == 0.0
    found = score(np.stack([truth, open_water, open_water]), truth, NAMES, GRID)
    assert found[EDGE] == pytest.approx(ocean)


def one_start(members: np.ndarray, rival: np.ndarray, ratio: float) -> dict:
    happened = state()
    scores = {"emulator": members, "damped persistence": rival}
    return {
        "scores": {n: {"15": score(m, happened, NAMES, GRID)} for n, m in scores.items()},
        "power": {"truth": {"15": [[1.0, 2.0]]}, "emulator": {"15": [[ratio, 2.0 * ratio]]}},
    }


def told(ratio: float, own: float, rival: float) -> dict[str, str]:
    members = np.stack([state(own, 1 + own, own, own), state(own, 1 + own, own, own)])
    results = summary([one_start(members, state(rival, 1 + rival, rival, rival)[None], ratio)], {})
    results["about"] = {
        "spectral_names": ["sic"], "starts": ["1991-01-01"], "year": 1991, "members": 2,
        "training_years": [1989, 1990], "physics": ["run.nc"],
    }  # fmt: skip
    assert "runs of the physics: 1" in document(results)
    assert "spectra" in document(results).lower()
    assert score_rows(results["scores"], "rmse")[1][1] == "emulator"
    return dict(target_rows(results)[1:])


def test_targets_say_where_they_are_missed() -> None:
    good = told(1.0, 0.75, 0.6)
    assert good["RMSE of sic and sit below damped persistence"].startswith("no: sit 15 d")
    assert good["spectral ratio within 0.85 to 1.15 on day 15"] == "yes"
    bad = told(0.7, 0.4, 0.6)
    assert "sic 15 d (damped persistence)" in bad["CRPS below every rival"]
    assert "sic 0.70–0.70" in bad["spectral ratio within 0.85 to 1.15 on day 15"]
    assert "sit 15 d" in bad["spread over RMSE within 0.9 to 1.1 up to day 15"]
