"""Files appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputError

if TYPE_CHECKING:
    import xarray

MOST_NAME_BYTES = 200  # leaves room for what temporary names add, of the 255 that systems allow


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`; on any failure the old file stays. OutputError says why."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_dataset(dataset: xarray.Dataset, path: Path, *, overwrite: bool) -> None:
    """Write an xarray dataset as compressed NetCDF-4."""
    require_output(path, overwrite, "allow to overwrite it")
    encoding = {
        name: {"zlib": True, "complevel": 4, "_FillValue": None}
        for name, variable in dataset.variables.items()
        if variable.ndim > 0 and variable.dtype.kind in "fiu"
    }
    write_atomically(path, lambda temporary: dataset.to_netcdf(temporary, encoding=encoding))


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` and rename the result to `path`, over a file that is there."""
    require_output(path, overwrite=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    # netCDF reports a full disk as RuntimeError
    except (OSError, RuntimeError) as error:
        raise _cannot_write(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Let the new name outlive a loss of power, on systems where a folder can be synchronised."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def require_output(path: Path, overwrite: bool, remedy: str = "") -> None:
    """OutputError unless `path` is free, or a file that may be overwritten, in a folder.

    `remedy` says how a user allows to overwrite.
    """
    n_bytes = len(os.fsencode(path.name))
    if n_bytes > MOST_NAME_BYTES:
        raise OutputError(
            f"output {path.name[:40]}... has a name of {n_bytes} bytes: give one of at most "
            f"{MOST_NAME_BYTES}"
        )
    try:
        _require_folder(path)
        _require_file(path)
        exists = path.exists()
    except OSError as error:
        raise _cannot_write(path, error) from error
    if exists and not overwrite:
        raise OutputError(f"output {path} exists: choose another name, or {remedy}")


def _require_folder(path: Path) -> None:
    for parent in path.parents:
        if parent.exists() and not parent.is_dir():
            raise OutputError(
                f"the folder of output {path} cannot be: {parent} is no folder; give another path"
            )
    if not path.parent.is_dir():
        raise OutputError(f"the folder of output {path} does not exist: make it first")


def _require_file(path: Path) -> None:
    if path.is_dir():
        raise OutputError(f"output {path} is a folder: give the name of a file")
    if path.exists() and not path.is_file():
        raise OutputError(
            f"output {path} is a pipe, device or socket: give the name of a file, new or regular"
        )


def _cannot_write(path: Path, error: Exception) -> OutputError:
    return OutputError(
        f"cannot write {path}: {getattr(error, 'strerror', None) or error}; check the "
        "folder, its permissions and the space left"
    )
