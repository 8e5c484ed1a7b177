"""Statistics of members in pairs, z + d and z - d: half as many are independent as there are, and
their mean, that of whole pairs, has less of an error than that of as many independent ones."""

from __future__ import annotations

import numpy as np


def pair_variance(members: np.ndarray) -> np.ndarray:
    """(member, ...) -> (...) unbiased estimate of the variance of a member; members 2k - 1 and 2k
    are a pair. That of independent members (`ddof=1`) is too large by 2n / (2n - 1) for n pairs."""
    return members.var(axis=0) + variance_of_mean(members)


def variance_of_mean(members: np.ndarray) -> np.ndarray:
    """(member, ...) -> (...) of the mean of all: 0 where halves of a pair lie on both sides of one
    centre, and what it is not where bounds are touched. Of one pair it is not known, taken as 0."""
    n_pairs = len(members) // 2
    if n_pairs < 2:
        return np.zeros(members.shape[1:])
    centres = (members[::2] + members[1::2]) / 2
    return centres.var(axis=0, ddof=1) / n_pairs
