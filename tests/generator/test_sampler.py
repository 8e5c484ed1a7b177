"""The sampler solves the probability-flow equation that it claims to solve."""

import numpy as np
import pytest
import torch

from esm_coupler.generator.sampler import heun
from esm_coupler.generator.schedule import karras_sigmas

SPREAD = 0.5


def gaussian_denoiser(x, sigma):
    """The exact denoiser of data ~ N(0, SPREAD^2)."""
    return x * SPREAD**2 / (SPREAD**2 + sigma**2)


def sampled_over_exact(n_steps):
    sigmas = karras_sigmas(n_steps, sigma_min=1e-4)  # so that the last step's own error is small
    result = heun(gaussian_denoiser, torch.ones(1, dtype=torch.float64), sigmas.tolist())
    exact = sigmas[0] * SPREAD / np.hypot(SPREAD, sigmas[0])
    return float(result) / exact


def test_levels_fall_from_the_largest_to_zero_as_in_karras_et_al():
    sigmas = karras_sigmas(20, 0.002, 80.0, 7.0)
    assert sigmas[0] == pytest.approx(80)
    assert sigmas[-2] == pytest.approx(0.002)
    assert sigmas[-1] == 0
    assert (np.diff(sigmas) < 0).all()
    assert (80 ** (1 / 7) + 10 / 19 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 == pytest.approx(
        sigmas[10]
    )


def test_a_gaussian_is_recovered_and_the_error_is_of_second_order():
    errors = [abs(sampled_over_exact(n) - 1) for n in (80, 160)]
    assert errors[0] < 5e-3
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.2)


@pytest.mark.parametrize(("n_steps", "evaluations"), [(1, 1), (20, 39)])
def test_it_takes_two_evaluations_a_step_less_one(n_steps, evaluations):
    calls = []

    def count(x, sigma):
        calls.append(sigma)
        return x

    heun(count, torch.ones(1), karras_sigmas(n_steps).tolist())
    assert len(calls) == evaluations
    assert min(calls) > 0
