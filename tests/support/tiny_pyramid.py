"""A small generator in the space of the pyramid whose denoisers are exact, without training."""

from __future__ import annotations

import torch

from esm_coupler.generator.architecture import DenoiserConfig
from esm_coupler.generator.generator import Generator
from esm_coupler.generator.model import Model, make_denoisers
from esm_coupler.generator.pyramid import Pyramid
from esm_coupler.testing import tiny_grid

NAMES = ("sic", "sit", "snt", "siu", "siv")


def tiny_pyramid(spread: float, mean: tuple[float, ...] = (0.0,) * len(NAMES)) -> Generator:
    """Its networks give nothing, so that the denoisers are those of white noise of unit variance:
    D(x; sigma) = x / (1 + sigma^2). `spread` is that of each coefficient, `mean` that of each
    field without its bounds (volumes as square roots), all year."""
    grid = tiny_grid((16, 32))
    space = Pyramid(NAMES, torch.from_numpy(grid.mask))
    small = DenoiserConfig(channels=(8, 8), patch=1, blocks=1, embedding=8, spread_nodes=1)
    denoisers = make_denoisers(space, [small, small])
    for denoiser in denoisers:
        denoiser.normalisation.spread.fill_(spread)
        denoiser.eval()
    for index, value in enumerate(mean):  # equal coefficients of splines make a constant
        denoisers[0].normalisation.harmonics[0, index] = value
    return Generator(Model(space, denoisers, grid), {}, "0" * 64, device="cpu")
