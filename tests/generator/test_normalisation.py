"""Latents become anomalies of unit variance, whatever the season does to mean and spread."""

import pytest
import torch

from esm_coupler.errors import ConfigError
from esm_coupler.generator.normalisation import LatentNormalisation

SHAPE = (2, 4, 4)


def year(samples_a_day=8):
    """Spread 1 in the first half of the year and 5 in the second; a seasonal mean; a constant."""
    torch.manual_seed(0)
    days = torch.arange(1, 366).repeat(samples_a_day).float()
    late = (days > 182).float()[:, None, None, None]
    latents = torch.randn(len(days), *SHAPE) * (1 + 4 * late)
    latents += 3 * torch.cos(2 * torch.pi * days / 365.25)[:, None, None, None]
    latents[:, 0, 0, 0] = 7.0
    return latents, days


def fitted(nodes):
    latents, days = year()
    normalisation = LatentNormalisation(SHAPE, nodes)
    normalisation.fit(latents, days, least_spread=0.05)
    return normalisation, latents, days


def test_a_spread_that_follows_the_season_leaves_unit_variance_in_each():
    normalisation, latents, days = fitted(12)
    anomalies = normalisation(latents, days)[:, 1]
    for season in ((days > 30) & (days < 150), (days > 220) & (days < 330)):
        assert float(anomalies[season].std()) == pytest.approx(1, abs=0.05)
    constant, _, _ = fitted(1)
    assert float(constant(latents, days)[days < 150, 1].std()) < 0.5


def test_inverse_takes_anomalies_back():
    normalisation, latents, days = fitted(12)
    back = normalisation.inverse(normalisation(latents, days), days)
    assert torch.allclose(back, latents, atol=1e-4)


def test_what_never_varies_has_its_mean_whatever_is_drawn():
    normalisation, _, days = fitted(4)
    assert not normalisation.varies[0, 0, 0]
    assert normalisation.varies.sum() == 2 * 16 - 1
    drawn = normalisation.inverse(torch.randn(len(days), *SHAPE), days)
    assert torch.allclose(drawn[:, 0, 0, 0], torch.tensor(7.0), atol=1e-4)


def test_no_element_is_blown_up_beyond_the_least_spread():
    latents, days = year()
    latents[:, 1, 2, 2] *= 1e-4
    normalisation = LatentNormalisation(SHAPE, 1)
    normalisation.fit(latents, days, least_spread=0.2)
    anomaly = (latents - normalisation.mean(days))[:, 1]
    assert float(normalisation.spread[0, 1, 2, 2]) == pytest.approx(
        0.2 * float(anomaly.square().mean().sqrt()), rel=1e-3
    )


def test_more_harmonics_follow_a_short_season():
    days = torch.arange(1, 366).repeat(2).float()
    latents = torch.exp(-(((days - 200) / 15) ** 2))[:, None, None, None].expand(-1, *SHAPE)
    left = {}
    for harmonics in (2, 6):
        normalisation = LatentNormalisation(SHAPE, 1, harmonics)
        normalisation.fit(latents, days, least_spread=0.05)
        left[harmonics] = float((latents - normalisation.mean(days)).std())
    assert left[6] < 0.5 * left[2]


def test_a_season_without_training_days_is_refused():
    latents, days = year()
    few = days < 90
    with pytest.raises(ConfigError, match="spread_nodes = 12"):
        LatentNormalisation(SHAPE, 12).fit(latents[few], days[few], 0.05)
