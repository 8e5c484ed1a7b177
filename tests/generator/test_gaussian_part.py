"""Without a network a denoiser is the exact one of Gaussian data."""

import pytest
import torch

from esm_coupler.generator.gaussian_part import GaussianPart

SHAPE = (2, 3, 4)
SIZE = 24


def samples(n=4000):
    """Three strong patterns and, in the second channel only, some white noise."""
    generator = torch.Generator().manual_seed(1)
    patterns = torch.linalg.qr(torch.randn(SIZE, 3, generator=generator))[0]
    amplitudes = torch.randn(n, 3, generator=generator) * torch.tensor([9.0, 5.0, 3.0])
    noise = 0.2 * torch.randn(n, *SHAPE, generator=generator)
    noise[:, 0] = 0
    return (amplitudes @ patterns.T).reshape(-1, *SHAPE) + noise


def fitted(values, n_eofs):
    part = GaussianPart(SHAPE, n_eofs)
    part.fit(values)
    return part


@pytest.mark.parametrize("sigma", [0.1, 1.0, 10.0])
def test_it_is_the_linear_estimate_of_least_squares(sigma):
    values = samples()
    covariance = torch.cov(values.flatten(1).T, correction=0)
    best = covariance @ torch.linalg.inv(covariance + sigma**2 * torch.eye(SIZE))
    noisy = values[:50] + sigma * torch.randn(50, *SHAPE, generator=torch.Generator().manual_seed(2))
    estimate = fitted(values, 3)(noisy, torch.full((50, 1, 1, 1), sigma), torch.ones(()))
    expected = (noisy.flatten(1) @ best.T).reshape(noisy.shape)
    assert float((estimate - expected).std()) < 0.02 * float(expected.std())


def test_noise_that_falls_becomes_states_with_the_covariance_of_the_data():
    """The way of a sampler, by 400 steps of Euler."""
    values = samples()
    part = fitted(values, 3)
    x = 80 * torch.randn(3000, *SHAPE, generator=torch.Generator().manual_seed(3))
    levels = torch.logspace(1.9031, -3, 400).tolist()
    for high, low in zip(levels, [*levels[1:], 0.0], strict=True):
        slope = (x - part(x, torch.full((len(x), 1, 1, 1), high), torch.ones(()))) / high
        x = x + (low - high) * slope
    for made, given in zip(x.unbind(1), values.unbind(1), strict=True):
        expected = torch.cov(given.flatten(1).T)
        differing = torch.cov(made.flatten(1).T) - expected
        assert float(differing.norm()) < 0.12 * float(expected.norm())


@pytest.mark.parametrize("n_eofs", [0, 3])
def test_a_start_has_the_covariance_of_data_and_noise(n_eofs):
    values, sigma = samples(), 2.0
    part = fitted(values, n_eofs)
    noise = torch.randn(20000, *SHAPE, generator=torch.Generator().manual_seed(4))
    made = torch.cov((sigma * part.start(noise, sigma, torch.tensor(1.5))).flatten(1).T)
    expected = torch.cov(values.flatten(1).T) if n_eofs else 1.5**2 * torch.eye(SIZE)
    expected = expected + sigma**2 * torch.eye(SIZE)
    assert float((made - expected).norm()) < 0.05 * float(expected.norm())


def test_without_eofs_all_elements_are_alike():
    x = torch.randn(2, *SHAPE)
    estimate = GaussianPart(SHAPE, 0)(x, torch.tensor([1.0, 2.0])[:, None, None, None], torch.tensor(2.0))
    assert torch.allclose(estimate, x * torch.tensor([0.8, 0.5])[:, None, None, None])
    assert not GaussianPart(SHAPE, 0).state_dict()


def test_a_checkpoint_has_the_eofs_that_the_training_had():
    eofs = fitted(samples(), 3).eofs
    assert torch.equal(eofs, eofs.half().float())
