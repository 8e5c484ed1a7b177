"""One line per call in the user's log file, so that a run can be traced back to its states."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ConfigError, OutputError
from .engine import Result
from .libraries import duplicate_libraries


class _Handler(logging.FileHandler):
    """logging prints its own errors to stderr, which belongs to the host: raise them instead."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        raise OutputError(f"log_file '{self.baseFilename}' cannot be written: is the disk full?")


class Journal:
    """The log file of one coupler; an empty path means none."""

    def __init__(self, path: str) -> None:
        self._logger = logging.Logger("esm_coupler.coupling", logging.INFO)
        self._logger.addHandler(_open(path) if path else logging.NullHandler())
        for family, paths in duplicate_libraries().items():
            self._logger.warning("two copies of %s: %s", family, ", ".join(paths))

    def begin(self, places: str, provenance: Mapping[str, Any]) -> None:
        """Where the generators are, and how far their members' bits can be relied on."""
        if places:
            told = ("precision", "batch", "compiled", "reproducible")
            how = ", ".join(f"{name} {provenance[name]}" for name in told)
            self._logger.info("%s; %s", places, how)

    def record(self, call: str, numbers: str, result: Result) -> Result:
        """What was asked for and what came out. Gives the result with its hash: that of all bits on
        the global grid, in the order in which the fields were bound."""
        if isinstance(self._logger.handlers[0], logging.NullHandler):
            return result
        if result.note:
            self._logger.warning("%s %s: %s", call, numbers, result.note)
        if result.values is None:
            return result
        digest = hashlib.sha256(np.ascontiguousarray(result.values).data).hexdigest()
        self._logger.info(
            "%s %s: %.3f s, %d cells out of bounds, %d cells corrected, sha256 %s",
            call, numbers, result.seconds, result.cells_out_of_bounds, result.cells_changed, digest,
        )  # fmt: skip
        return replace(result, sha256=digest)

    def close(self) -> None:
        for handler in self._logger.handlers:
            handler.close()


def _open(path: str) -> logging.Handler:
    try:
        handler = _Handler(path, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"log_file = '{path}' in &coupler_nml cannot be opened: {error.strerror}; give another "
            "path, or '' for no log"
        ) from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    return handler
