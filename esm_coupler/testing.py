"""A tiny untrained model, so that tests of hosts and tools run in milliseconds, without data."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .grid import Grid


def tiny_grid(shape: tuple[int, int] = (16, 32)) -> Grid:
    """A basin with a closed ring of land and an island, of 50 km cells around the pole."""
    ny, nx = shape
    mask = np.zeros(shape, dtype=bool)
    mask[1:-1, 1:-1] = True
    mask[ny // 2, nx // 2] = False
    y, x = np.meshgrid(np.arange(ny) - ny / 2, np.arange(nx) - nx / 2, indexing="ij")
    return Grid(
        mask=mask, lat=90 - 0.45 * np.hypot(x, y), lon=np.degrees(np.arctan2(y, x)) % 360,
        cell_area=np.full(shape, 2.5e9), angle=np.zeros(shape),
    )  # fmt: skip


def tiny_checkpoint(
    path: Path, shape: tuple[int, int] = (16, 32),
    names: tuple[str, ...] = ("sic", "sit", "snt", "siu", "siv"), seed: int = 0,
) -> Path:  # fmt: skip
    """Write a generator checkpoint with random weights for `tiny_grid(shape)`.

    Sides of `shape` are multiples of 16. Its states differ between members, dates and seeds.
    """
    import torch

    from .generator.architecture import AutoencoderConfig, DenoiserConfig
    from .generator.autoencoder import Autoencoder
    from .generator.model import Model, make_denoisers, save_model

    grid = tiny_grid(shape)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        autoencoder = Autoencoder(
            AutoencoderConfig(latent_channels=2, channels=8, latent_blocks=1),
            names, torch.from_numpy(grid.mask),
        )  # fmt: skip
        small = DenoiserConfig(channels=(8, 8), patch=1, blocks=1, embedding=8, spread_nodes=1)
        denoisers = make_denoisers(autoencoder, [small])
        normalisation = autoencoder.normalisation
        # different scales, so that fields cannot be taken for each other
        normalisation.mean.flatten().copy_(0.5 + 0.01 * torch.arange(len(names)))
        normalisation.std.fill_(0.2)
        # Untrained, the season would not matter, nor would the network.
        denoisers[0].normalisation.harmonics.normal_()
        for parameter in denoisers[0].parameters():
            if not parameter.any():
                parameter.data.normal_(std=0.05)
    save_model(path, Model(autoencoder, denoisers, grid), {"note": "untrained, for tests"})
    return path


def tiny_emulator(
    path: Path, shape: tuple[int, int] = (16, 32), seed: int = 0, grid: Grid | None = None
) -> Path:
    """Write an emulator checkpoint with random weights for `grid`, or for `tiny_grid(shape)`.

    Its steps differ between members, dates, seeds and forcings.
    """
    import torch

    from .generator.architecture import EmulatorConfig
    from .generator.emulator_file import save_emulator
    from .generator.step_network import StepNetwork

    grid = tiny_grid(shape) if grid is None else grid
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        sizes = EmulatorConfig(channels=(8, 8, 8), blocks=1, noise=2, memory=3)
        network = StepNetwork(sizes, grid)
        for parameter in network.head.parameters():  # untrained, it would say nothing
            parameter.data.normal_(std=0.3)
        network.forcing_mean.copy_(torch.tensor([260.0, 0, 0, 260, 0, 0])[:, None, None])
        network.forcing_std.copy_(torch.tensor([15.0, 5, 5, 15, 5, 5])[:, None, None])
        network.change.copy_(torch.tensor([0.03, 0.05, 0.01, 0.03, 0.03])[:, None, None])
    save_emulator(path, network, grid, {"note": "untrained, for tests"})
    return path
