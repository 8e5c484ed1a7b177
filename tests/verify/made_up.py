"""States with known properties, on the tiny grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from esm_coupler.fields import DRIFT
from esm_coupler.grid import Grid
from esm_coupler.testing import tiny_checkpoint, tiny_grid
from esm_coupler.verify.states import States

NAMES = ("sic", "sit", "snt", "siu", "siv")


def open_grid(side: int = 42) -> Grid:
    """A square of ocean within a ring of land, without the island of `tiny_grid`."""
    mask = np.zeros((side, side), dtype=bool)
    mask[1:-1, 1:-1] = True
    return tiny_grid((side, side)).with_mask(mask)


def days(first: str, n_days: int, step: int = 1) -> np.ndarray:
    """(n_days,) dates from `first`, every `step` days."""
    return np.datetime64(first, "D") + step * np.arange(n_days)


def random_states(
    n_states: int = 6, first: str = "1990-01-01", step: int = 1, seed: int = 0,
    grid: Grid | None = None,
) -> States:  # fmt: skip
    """Acceptable states of random ice, half of it open water, with a slow random drift."""
    grid = grid or tiny_grid((16, 32))
    draw = np.random.default_rng(seed)
    sic = np.clip(draw.normal(0.2, 0.6, (n_states, *grid.shape)), 0, 1) * grid.mask
    fields = {"sic": sic, "sit": sic * 2, "snt": sic * 0.2}
    for name in DRIFT:
        ice = np.stack([grid.touched_by(state > 0) for state in sic])
        fields[name] = draw.normal(0, 0.1, sic.shape) * ice * grid.drift_mask
    values = np.stack([fields[name] for name in NAMES], axis=1).astype("f4")
    return States(values, days(first, n_states, step), NAMES, grid)


def faed_checkpoint(folder: Path, shape: tuple[int, int] = (16, 32)) -> Path:
    """An untrained autoencoder for `tiny_grid(shape)`."""
    from esm_coupler.generator.checkpoint import read_checkpoint
    from esm_coupler.generator.model import load_space, save_autoencoder

    generator = tiny_checkpoint(folder / "generator.safetensors", shape)
    path = folder / "faed.safetensors"
    save_autoencoder(path, *load_space(read_checkpoint(generator)), {})
    return path
