"""Processes that make members for an ensemble, into the store from which it is put together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from typing import Any

from .progress import log_line


class Helpers:
    """Each calls `work(number, share, ...)` in a process of its own, `number` from 1. They end with
    the block; what a helper that failed has not made is left to the caller."""

    def __init__(
        self, work: Callable[..., None], shares: Sequence[Sequence[int]], *arguments: Any
    ) -> None:
        # Begun anew: torch's threads do not survive a fork.
        process = multiprocessing.get_context("spawn").Process
        self._processes = [
            process(target=work, args=(number, share, *arguments), daemon=True)
            for number, share in enumerate(shares, start=1)
            if share
        ]

    def __enter__(self) -> Helpers:
        for process in self._processes:
            process.start()
        return self

    def wait(self) -> None:
        """Until all have ended."""
        for number, process in enumerate(self._processes, start=1):
            process.join()
            if process.exitcode:
                log_line(f"process {number} ended with status {process.exitcode}: going on alone")
        self._processes = []

    def __exit__(self, *exception: object) -> None:
        for process in self._processes:
            process.terminate()
        self.wait()
