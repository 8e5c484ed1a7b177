"""The samplers solve the equations that they claim to solve, held against exact denoisers."""

import numpy as np
import pytest
import torch

from esm_coupler.generator.sampler import SAMPLERS, denoise_on, dpm, heun, stochastic
from esm_coupler.generator.schedule import SAMPLER_NAMES, evaluations, karras_sigmas

# Gaussian data of three correlated variables with spreads of 1.6, 0.6 and 0.2 along its axes
MEAN = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
AXES = torch.linalg.qr(torch.tensor([[2.0, 1, 0], [-1, 1, 1], [0.5, 0, 1]], dtype=torch.float64))[0]
VARIANCES = torch.tensor([1.6, 0.6, 0.2], dtype=torch.float64) ** 2
COVARIANCE = AXES @ torch.diag(VARIANCES) @ AXES.T


def gaussian_denoiser(x, sigma):
    """E[clean | x] for clean ~ N(MEAN, COVARIANCE), x (..., 3)."""
    gain = AXES @ torch.diag(VARIANCES / (VARIANCES + sigma**2)) @ AXES.T
    return MEAN + (x - MEAN) @ gain


def exact_flow(noise, sigma_max):
    """Where the probability flow carries `noise` * sigma_max at level 0: along each axis the
    anomaly shrinks with the spread of data plus noise."""
    shrink = AXES @ torch.diag((VARIANCES / (VARIANCES + sigma_max**2)).sqrt()) @ AXES.T
    return MEAN + (noise * sigma_max - MEAN) @ shrink


def error_of(sampler, n_steps):
    sigmas = karras_sigmas(n_steps, sigma_min=1e-4)  # so that the last step's own error is small
    noise = torch.tensor([1.0, -0.5, 0.8], dtype=torch.float64)
    result = sampler(gaussian_denoiser, noise, sigmas.tolist())
    return float((result - exact_flow(noise, sigmas[0])).norm())


def draws(draw, n=20_000):
    return torch.from_numpy(np.random.default_rng([5, draw]).standard_normal((n, 3)))


def test_levels_fall_from_the_largest_to_zero_as_in_karras_et_al():
    sigmas = karras_sigmas(20, 0.002, 80.0, 7.0)
    assert sigmas[0] == pytest.approx(80)
    assert sigmas[-2] == pytest.approx(0.002)
    assert sigmas[-1] == 0
    assert (np.diff(sigmas) < 0).all()
    assert (80 ** (1 / 7) + 10 / 19 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 == pytest.approx(
        sigmas[10]
    )


@pytest.mark.parametrize("sampler", [heun, dpm])
def test_a_correlated_gaussian_is_recovered_and_the_error_is_of_second_order(sampler):
    errors = [error_of(sampler, n) for n in (80, 160, 320)]
    assert errors[0] < 1e-2
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.15)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.15)


@pytest.mark.parametrize(("sampler", "churn"), [(heun, 0), (dpm, 0), (stochastic, 40)])
def test_mean_and_covariance_of_the_samples_are_those_of_the_data(sampler, churn):
    # from so far up that a start without the data's mean and spread does not matter
    sigmas = karras_sigmas(160, sigma_min=1e-3, sigma_max=500).tolist()
    samples = sampler(gaussian_denoiser, draws(0), sigmas, draws, churn)
    n = len(samples)
    spread = COVARIANCE.diagonal().sqrt()
    assert ((samples.mean(dim=0) - MEAN).abs() < 4 * spread / n**0.5).all()
    # standard error of a covariance: at most sqrt(2 / n) spread_i spread_j
    allowed = 4 * (2 / n) ** 0.5 * spread[:, None] * spread
    assert ((samples.T.cov() - COVARIANCE).abs() < allowed).all()


def test_fresh_noise_makes_other_samples_from_the_same_start():
    sigmas, start = karras_sigmas(40).tolist(), draws(0, 2000)
    renewed = stochastic(gaussian_denoiser, start, sigmas, lambda k: draws(k, 2000), 40)
    plain = heun(gaussian_denoiser, start, sigmas)
    correlation = np.corrcoef(renewed[:, 0], plain[:, 0])[0, 1]
    assert correlation < 0.5
    assert torch.equal(stochastic(gaussian_denoiser, start, sigmas, draws, 0), plain)


def test_each_draw_is_asked_for_once_and_within_its_levels():
    asked = []

    def fresh(draw):
        asked.append(draw)
        return torch.zeros(3)

    sigmas = karras_sigmas(20).tolist()
    stochastic(gaussian_denoiser, torch.ones(3, dtype=torch.float64), sigmas, fresh, 40)
    assert asked == [k + 1 for k, sigma in enumerate(sigmas) if 0.05 <= sigma <= 50]


@pytest.mark.parametrize("name", SAMPLER_NAMES)
@pytest.mark.parametrize("n_steps", [1, 2, 20])
def test_the_number_of_evaluations_is_what_is_told(name, n_steps):
    levels = []

    def count(x, sigma):
        levels.append(sigma)
        return x

    SAMPLERS[name](count, torch.ones(1), karras_sigmas(n_steps).tolist(), lambda _: 0.0, 40)
    assert len(levels) == evaluations(name, n_steps)
    assert min(levels) > 0


def test_names_of_the_namelist_are_those_of_the_samplers():
    assert tuple(SAMPLERS) == SAMPLER_NAMES


def test_the_network_sees_float32_and_the_sampler_gets_its_own_precision_back():
    seen = []

    def network(x, level, day, context):
        assert context is None
        seen.append((x.dtype, level.tolist(), day.tolist()))
        return x

    denoise = denoise_on(network, torch.tensor([60.0, 61.0]))
    assert denoise(torch.ones(2, 1, 2, 2, dtype=torch.float64), 0.5).dtype == torch.float64
    assert seen == [(torch.float32, [0.5, 0.5], [60.0, 61.0])]
