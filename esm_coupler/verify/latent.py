"""States through an autoencoder: their latents, and what is left of them after decoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CheckpointError
from .states import States

if TYPE_CHECKING:
    from torch import Tensor

    from ..generator.autoencoder import Autoencoder

FAED = "faed"  # name of the independent autoencoder's checkpoint, where it ships with the package
BATCH = 64


def load_network(name_or_path: str | Path, kind: str | None = None) -> Autoencoder:
    """The autoencoder of a checkpoint, in evaluation mode; CheckpointError if it has none or is
    not of the `kind` ('autoencoder', 'generator')."""
    from ..generator.checkpoint import read_checkpoint
    from ..generator.model import load_autoencoder

    return load_autoencoder(read_checkpoint(name_or_path, kind))[0].eval()


def fits(states: States, autoencoder: Autoencoder) -> bool:
    """Whether the autoencoder is for these fields and this mask."""
    mask = autoencoder.mask.cpu().numpy()
    return set(autoencoder.names) <= set(states.names) and np.array_equal(mask, states.grid.mask)


def latent_means(states: States, autoencoder: Autoencoder) -> np.ndarray:
    """(state, element) float64: flattened mean latents of the states.

    CheckpointError if the autoencoder is for other fields or another mask.
    """
    return _in_batches(states, autoencoder, lambda x: autoencoder.encode(x).flatten(1).double())


def reconstructed(states: States, autoencoder: Autoencoder) -> States:
    """decode(encode(states)), with the fields of the autoencoder."""
    fields = _in_batches(states, autoencoder, lambda x: autoencoder.decode(autoencoder.encode(x)))
    return States(fields, states.dates, autoencoder.names, states.grid)


def _in_batches(
    states: States, autoencoder: Autoencoder, through: Callable[[Tensor], Tensor]
) -> np.ndarray:
    import torch

    if not fits(states, autoencoder):
        raise CheckpointError(
            f"the autoencoder is for {', '.join(autoencoder.names)} on its own mask of "
            f"{int(autoencoder.mask.sum())} ocean cells, the states have "
            f"{', '.join(states.names)} and {states.grid.mask.sum()}: name one for their grid"
        )
    fields = states.of_names(autoencoder.names).fields
    parts = []
    with torch.inference_mode():
        for first in range(0, len(fields), BATCH):
            part = np.ascontiguousarray(fields[first : first + BATCH], "f4")
            parts.append(through(torch.from_numpy(part)).numpy())
    return np.concatenate(parts)
