"""A disk that is full, for one process only: none of its files may grow past a size."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager


def at_most(size: int) -> None:
    """No file of this process, and of what it starts, may become larger than so many bytes."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def full_disk(size: int) -> Iterator[None]:
    """As `at_most`, for a while."""
    before, _ = resource.getrlimit(resource.RLIMIT_FSIZE)
    at_most(size)
    try:
        yield
    finally:
        at_most(before)
