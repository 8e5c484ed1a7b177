"""Drift is parted into what rotates and what diverges, and nothing is lost."""

import numpy as np
import pytest
import torch

from esm_coupler.generator.helmholtz import joined, parted

SHAPES = [(8, 8), (12, 16), (15, 8)]  # also with an odd side


def gradient(field):
    """Central differences along x and y on a periodic grid."""
    along = {axis: (field.roll(-1, axis) - field.roll(1, axis)) / 2 for axis in (-1, -2)}
    return along[-1], along[-2]


def waves(shape):
    y, x = (torch.arange(size) * 2 * torch.pi / size for size in shape)
    return torch.sin(y[:, None] + 1) * torch.cos(2 * x) + torch.cos(2 * y[:, None] - x)


@pytest.mark.parametrize("shape", SHAPES)
def test_both_parts_together_are_the_drift(shape):
    siu, siv = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 3, *shape)))
    rotational, divergent = parted(siu, siv)
    back = joined(rotational, divergent)
    assert torch.allclose(back[0], siu, atol=1e-12) and torch.allclose(back[1], siv, atol=1e-12)
    energy = (siu**2 + siv**2).sum()
    assert float((rotational**2 + divergent**2).sum() / energy) == pytest.approx(1)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_flow_around_and_a_flow_down_a_hill_are_one_part_each(shape):
    along_x, along_y = gradient(waves(shape).double())
    around = parted(-along_y, along_x)
    down = parted(-along_x, -along_y)
    assert float(around[1].abs().max()) < 1e-12 < 0.1 < float(around[0].abs().max())
    assert float(down[0].abs().max()) < 1e-12 < 0.1 < float(down[1].abs().max())


def test_an_even_drift_stays_what_it_is():
    siu, siv = torch.full((4, 6), 0.3), torch.full((4, 6), -0.1)
    rotational, divergent = parted(siu, siv)
    assert torch.allclose(divergent, siu) and torch.allclose(rotational, siv)
