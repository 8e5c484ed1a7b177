"""A restart file of any model as plain arrays, read with suspicion and written as a copy.

A damaged classic NetCDF file is often read without an error: who reads one checks its content.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import write_atomically
from ..errors import OutputError, RestartError

if TYPE_CHECKING:
    import netCDF4

PROVENANCE = "esm_coupler"  # global attribute: what a restart of ours was made from
MOST_COMPRESSION = 2000  # bytes in memory for a byte of the file; deflate gives about 1000


@dataclass(frozen=True, eq=False)
class RestartFile:
    """Numeric variables, in their own types, by name ('group/name' in a group), and the names of
    their dimensions; texts of single values, by the same names; and the global attributes."""

    path: Path
    values: dict[str, np.ndarray]
    dimensions: dict[str, tuple[str, ...]]
    texts: dict[str, str]
    attributes: dict[str, Any]

    @property
    def provenance(self) -> dict[str, Any]:
        """What `write_restart` was told of the origin; empty for a model's own restart."""
        try:
            found = json.loads(self.attributes.get(PROVENANCE, "{}"))
        except (TypeError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def read_restart(path: Path) -> RestartFile:
    """All numeric variables of a NetCDF file; RestartError says why it cannot be read."""
    import netCDF4

    if not os.path.isfile(path):
        fault = "is a folder, pipe or device" if os.path.exists(path) else "does not exist"
        raise RestartError(f"restart {path} {fault}: give the restart file of a run")
    try:
        with netCDF4.Dataset(path) as dataset:
            return _from_dataset(path, dataset)
    # what the NetCDF library says of damaged files
    except (OSError, RuntimeError, ValueError, TypeError, KeyError, IndexError,
            AttributeError, MemoryError, OverflowError) as error:  # fmt: skip
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0] or "damaged"
        raise RestartError(
            f"{path} cannot be read as a restart ({reason}): take an undamaged NetCDF file"
        ) from error


def _from_dataset(path: Path, dataset: netCDF4.Dataset) -> RestartFile:
    everything = dict(_variables(dataset, ""))
    texts = {n: str(v[...]) for n, v in everything.items() if v.dtype is str and not v.ndim}
    variables = {n: v for n, v in everything.items() if getattr(v.dtype, "kind", "?") in "iuf"}
    bytes_needed = sum(v.dtype.itemsize * int(np.prod(v.shape)) for v in variables.values())
    factor = MOST_COMPRESSION if dataset.data_model.startswith("NETCDF4") else 1
    if bytes_needed > factor * os.path.getsize(path):
        raise ValueError("it says that it holds more than the file has room for")
    values = {}
    for name, variable in variables.items():
        variable.set_auto_maskandscale(False)
        values[name] = np.asarray(variable[...]).reshape(variable.shape)
    dimensions = {name: tuple(variable.dimensions) for name, variable in variables.items()}
    attributes = {name: dataset.getncattr(name) for name in dataset.ncattrs()}
    return RestartFile(path, values, dimensions, texts, attributes)


def _variables(
    group: netCDF4.Dataset, prefix: str
) -> Iterator[tuple[str, netCDF4.Variable]]:
    for name, variable in group.variables.items():
        yield prefix + name, variable
    for name, below in group.groups.items():
        yield from _variables(below, f"{prefix}{name}/")


def write_restart(
    template: RestartFile, path: Path, values: Mapping[str, np.ndarray],
    provenance: Mapping[str, Any],
) -> None:  # fmt: skip
    """Write a copy of `template` with other `values` in some variables: same format, names, types.

    It is read again before it gets its name; OutputError if it is not what was meant.
    """

    def write(temporary: Path) -> None:
        shutil.copyfile(template.path, temporary)
        _put(temporary, values, json.dumps(dict(provenance), sort_keys=True))
        _require_same(read_restart(temporary), template.values | dict(values), path)

    write_atomically(path, write)


def _put(path: Path, values: Mapping[str, np.ndarray], provenance: str) -> None:
    import netCDF4

    with netCDF4.Dataset(path, "r+") as dataset:
        for name, array in values.items():
            variable = dataset[name]
            variable.set_auto_maskandscale(False)
            variable[...] = array
        dataset.setncattr(PROVENANCE, provenance)


def _require_same(written: RestartFile, meant: Mapping[str, np.ndarray], path: Path) -> None:
    for name, values in meant.items():
        if written.values[name].tobytes() != values.tobytes():
            raise OutputError(
                f"'{name}' in {path} is not what was written: the disk or the template "
                "is damaged; try another folder and a fresh copy of the template"
            )
