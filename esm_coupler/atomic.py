"""Files appear whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import OutputError

if TYPE_CHECKING:
    import xarray


def replace_file(path: Path, content: bytes) -> None:
    """Write `content` to `path`; on any failure the old file stays. OutputError says why."""
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_dataset(dataset: xarray.Dataset, path: Path, *, overwrite: bool) -> None:
    """Write an xarray dataset as compressed NetCDF-4."""
    if path.exists() and not overwrite:
        raise OutputError(f"output {path} exists: choose another name or allow to overwrite it")
    encoding = {name: {"zlib": True, "complevel": 4, "_FillValue": None} for name, v in dataset.variables.items()
                if v.ndim > 0 and v.dtype.kind in "fiu"}  # fmt: skip
    write_atomically(path, lambda temporary: dataset.to_netcdf(temporary, encoding=encoding))


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Call `write(temporary)` and rename the result to `path`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    # netCDF reports a full disk as RuntimeError
    except (OSError, RuntimeError) as error:
        raise OutputError(
            f"cannot write {path}: {getattr(error, 'strerror', None) or error}; check the "
            "folder, its permissions and the space left"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
