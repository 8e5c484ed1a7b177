"""Samples between two years keep mean and covariance, and no day is mixed with its neighbours."""

import pytest
import torch

from esm_coupler.training.bootstrap import APART, NEAR, Bootstrap

YEARS = 6
DAYS = torch.arange(1, 366).repeat(YEARS).float()


def test_a_width_of_0_leaves_samples_as_they_are():
    values = torch.randn(len(DAYS), 1, 2, 2)
    chosen = torch.tensor([3, 700, 1500])
    assert torch.equal(Bootstrap(DAYS, 0.0)(values, chosen), values[chosen])


def test_mean_and_variance_stay():
    torch.manual_seed(1)
    values = torch.randn(len(DAYS), 2, 3, 3)
    chosen = torch.arange(len(DAYS)).repeat(8)
    mixed = Bootstrap(DAYS, 0.6)(values, chosen)
    assert not torch.equal(mixed, values[chosen])
    assert float(mixed.std()) == pytest.approx(1, abs=0.01)
    assert float(mixed.mean()) == pytest.approx(0, abs=0.01)


def test_relatives_are_of_another_year_and_of_that_time_of_the_year():
    """Each sample is a unit vector of its own, so that what was mixed can be read off."""
    values = torch.eye(len(DAYS)).reshape(len(DAYS), 1, 1, -1)
    torch.manual_seed(1)
    chosen = torch.arange(0, len(DAYS), 7)
    shares = Bootstrap(DAYS, 0.5)(values, chosen)[:, 0, 0]
    own = shares[torch.arange(len(chosen)), chosen]
    shares[torch.arange(len(chosen)), chosen] = 0
    share, relative = shares.max(dim=1)
    assert torch.allclose(own**2 + share**2, torch.ones(()))
    assert (share > 0).float().mean() > 0.7 and float(share.max()) < 0.5
    mixed = share > 0
    apart = (relative - chosen)[mixed].abs()
    assert int(apart.min()) > APART
    season = (DAYS[relative] - DAYS[chosen])[mixed].abs()
    assert int(torch.minimum(season, 365 - season).max()) <= NEAR + 1
