"""States through a latent space: their latents, and what is left of them after decoding."""

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
    from ..generator.space import Space

FAED = "faed"  # name of the independent autoencoder's checkpoint, where it ships with the package
BATCH = 64


def load_network(name_or_path: str | Path, kind: str | None = None) -> Autoencoder:
    """The autoencoder of a checkpoint, in evaluation mode; CheckpointError if it has none or is
    not of the `kind` ('autoencoder', 'generator')."""
    from ..generator.checkpoint import read_checkpoint
    from ..generator.model import load_space

    return load_space(read_checkpoint(name_or_path, kind))[0]


def shipped_faed(states: States) -> Autoencoder | None:
    """The independent autoencoder of the package, if there is one and it is for these states."""
    from ..generator.checkpoint import is_shipped

    network = load_network(FAED, "autoencoder") if is_shipped(FAED) else None
    return network if network is not None and fits(states, network) else None


def fits(states: States, space: Space) -> bool:
    """Whether the space is for these fields and this mask."""
    mask = space.mask.cpu().numpy()
    return set(space.names) <= set(states.names) and np.array_equal(mask, states.grid.mask)


def latent_means(states: States, autoencoder: Autoencoder) -> np.ndarray:
    """(state, element) float64: flattened mean latents of the states.

    CheckpointError if the autoencoder is for other fields or another mask.
    """
    return _in_batches(states, autoencoder, lambda x: autoencoder.encode(x).flatten(1).double())


def reconstructed(states: States, space: Space) -> States:
    """The states as they come back from the space of a generator, with the fields that it has."""
    from ..generator.generator import joint_state

    fields = _in_batches(states, space, lambda x: space.fields(space.latents(x)))
    joint = [joint_state(decoded, space.names, states.grid)[0].values for decoded in fields]
    return States(np.stack(joint), states.dates, space.names, states.grid)


def _in_batches(
    states: States, space: Space, through: Callable[[Tensor], Tensor]
) -> np.ndarray:
    import torch

    if not fits(states, space):
        raise CheckpointError(
            f"the autoencoder is for {', '.join(space.names)} on its own mask of "
            f"{int(space.mask.sum())} ocean cells, the states have "
            f"{', '.join(states.names)} and {states.grid.mask.sum()}: name one for their grid"
        )
    fields = states.of_names(space.names).fields
    parts = []
    with torch.inference_mode():
        for first in range(0, len(fields), BATCH):
            part = np.ascontiguousarray(fields[first : first + BATCH], "f4")
            parts.append(through(torch.from_numpy(part)).numpy())
    return np.concatenate(parts)
