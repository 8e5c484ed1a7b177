"""The censored Gaussian is a probability, whatever its bounds."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from esm_coupler.generator.likelihood import censored_nll

INF = float("inf")


def nll(x, mean, std, lower, upper):
    arguments = (x, mean, np.log(std), lower, upper)
    return censored_nll(*(torch.as_tensor(a, dtype=torch.float64) for a in arguments)).numpy()


@pytest.mark.parametrize(("mean", "std"), [(0.3, 0.1), (-0.4, 0.3), (1.2, 0.5)])
def test_density_inside_and_mass_on_both_bounds_sum_to_one(mean, std):
    inside = np.linspace(0, 1, 200001)[1:-1]
    density = np.exp(-nll(inside, mean, std, 0.0, 1.0))
    on_bounds = np.exp(-nll(np.array([0.0, 1.0]), mean, std, 0.0, 1.0))
    assert np.trapezoid(density, inside) + on_bounds.sum() == pytest.approx(1, abs=1e-4)


def test_a_value_on_a_bound_counts_the_whole_tail():
    assert nll(0.0, -0.7, 0.2, 0.0, 1.0) == pytest.approx(-norm.logcdf(0.0, -0.7, 0.2))
    assert nll(1.0, 1.3, 0.2, 0.0, 1.0) == pytest.approx(-norm.logsf(1.0, 1.3, 0.2))


def test_a_value_without_bounds_is_an_ordinary_gaussian():
    assert nll(0.4, 0.1, 0.2, -INF, INF) == pytest.approx(-norm.logpdf(0.4, 0.1, 0.2))


def test_far_tails_stay_finite():
    assert nll(0.0, 50.0, 0.1, 0.0, 1.0) == pytest.approx(-norm.logcdf(0.0, 50.0, 0.1), rel=1e-6)


@pytest.mark.parametrize(("lower", "upper"), [(0.0, 1.0), (0.0, INF), (-INF, INF)])
def test_gradients_are_finite_on_and_between_the_bounds(lower, upper):
    x = torch.tensor([0.0, 0.5, 1.0])
    mean, log_std = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
    bounds = torch.tensor([lower]), torch.tensor([upper])
    censored_nll(x, mean, log_std, *bounds).sum().backward()
    assert torch.isfinite(mean.grad).all()
    assert torch.isfinite(log_std.grad).all()
