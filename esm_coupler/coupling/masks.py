"""The host's ocean mask against the checkpoint's, and the host's blocks against both."""

from __future__ import annotations

import numpy as np

from ..errors import DomainError

# A coastline drawn otherwise is the same grid; more than this is another one.
_TOLERATED_SHARE = 0.10


def compare_masks(host: np.ndarray, checkpoint: np.ndarray) -> str:
    """A note on how two masks (y, x), True = ocean in a block, differ; DomainError if it is too
    much."""
    only_host = int(np.count_nonzero(host & ~checkpoint))
    only_checkpoint = int(np.count_nonzero(checkpoint & ~host))
    differing = only_host + only_checkpoint
    n_ocean = int(np.count_nonzero(checkpoint))
    if differing > _TOLERATED_SHARE * n_ocean:
        raise DomainError(
            f"the host's mask differs from the checkpoint's at {differing} cells, more than "
            f"{_TOLERATED_SHARE:.0%} of its {n_ocean} ocean cells in blocks: this is another grid, "
            f"or the mask is turned around"
        )
    if not differing:
        return ""
    return (
        f"note: the host's mask differs from the checkpoint's: {only_host} ocean cells of the "
        f"host stay without ice, {only_checkpoint} ocean cells of the checkpoint are land here"
    )


def require_covered(ocean: np.ndarray, owned: np.ndarray) -> None:
    """DomainError unless every ocean cell (y, x) is in a block; names the first that is not."""
    missing = ocean & ~owned
    if missing.any():
        j, i = np.argwhere(missing)[0] + 1
        raise DomainError(
            f"ocean cell i={i}, j={j} and {np.count_nonzero(missing) - 1} others of the "
            f"checkpoint's mask are in no block: give set_domain all blocks in which the "
            f"checkpoint has ocean, also those that are land to the host"
        )


def as_mask(values: np.ndarray) -> np.ndarray:
    """Gathered mask values (y, x) as bool; DomainError for what is neither 0 nor 1."""
    odd = (values != 0.0) & (values != 1.0)
    if odd.any():
        j, i = np.argwhere(odd)[0]
        raise DomainError(
            f"the mask is {values[j, i]:.0f} at i={i + 1}, j={j + 1}: 1 is ocean and 0 is land"
        )
    return values == 1.0
