"""Where a generator lives: on which rank first, in which thread, and what torch may use there."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")

# To this rank all others gather. It always holds a generator; others may hold one for members that
# are made ahead (places.py), the rest never import torch.
GENERATOR_RANK = 0

# A host with an unlimited stack leaves new threads 2 MiB, too little for a deep network.
_STACK_BYTES = 64 * 2**20

_FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGABRT}


class TorchThread:
    """A thread of our own for all that torch does.

    OpenMP keeps one pool of workers per calling thread. The host's pool has its floating-point
    traps, of which torch would die, and its number of threads, which torch would change; the pool
    of this thread has neither.
    """

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(1, "esm_coupler", self._prepare)
        self._threads = threads
        before = threading.stack_size(_STACK_BYTES)
        try:
            self.call(self._limit_torch)
        finally:
            threading.stack_size(before)

    def call(self, function: Callable[[], T]) -> T:
        """Run in the thread and wait; what `function` raises is raised here."""
        return self._executor.submit(function).result()

    def close(self) -> None:
        """Give cached GPU memory back, and end the thread."""
        try:
            self.call(_release_memory)
        finally:
            self._executor.shutdown()

    @staticmethod
    def _prepare() -> None:
        """Signals are for the host's own threads, but for the faults of this one."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - _FAULTS)

    def _limit_torch(self) -> None:
        """So many threads in an operation and one between operations."""
        import torch

        torch.set_num_threads(self._threads)
        with suppress(RuntimeError):  # can be set but once in a process
            torch.set_num_interop_threads(1)


def _release_memory() -> None:
    import torch

    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
