"""Which field each channel of a latent belongs to."""

from __future__ import annotations

from ..generator.data_space import DataSpace
from ..generator.pyramid import Pyramid
from ..generator.space import Space


def field_of_channels(space: Space) -> list[int] | None:
    """Index of the field for each channel, of any latent; None if the space mixes them.

    Each part of the pyramid's drift moves both components: a channel of siu is of the rotational
    part, one of siv of the divergent part.
    """
    n_fields = len(space.names)
    if isinstance(space, Pyramid):  # the coarser level, then four places of the finer one each
        return [*range(n_fields), *(index // 4 for index in range(4 * n_fields))]
    if isinstance(space, DataSpace):
        return list(range(n_fields))
    return None
