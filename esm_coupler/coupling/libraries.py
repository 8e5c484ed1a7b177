"""Which shared libraries this process has mapped, and which of them it has twice.

Two copies of one library in one process are the usual cause of a host that dies inside netCDF,
MPI or OpenMP for no visible reason.
"""

from __future__ import annotations

import re
from pathlib import Path

# Wheels bring their own copies as libname-<hash>.so; Debian adds the build to HDF5's name.
_FAMILIES = {
    "libhdf5": re.compile(r"libhdf5(_serial|_openmpi|_mpich)?[-.]"),
    "libnetcdf": re.compile(r"libnetcdf[-.]"),
    "libmpi": re.compile(r"libmpi(ch)?[-.]"),
    "libgomp": re.compile(r"libgomp[-.]"),
    "libstdc++": re.compile(r"libstdc\+\+[-.]"),
}


def loaded_libraries(maps: str | None = None) -> dict[str, list[str]]:
    """Paths of the mapped files of each watched family, from /proc/self/maps or a given text.

    Empty where the system has no /proc.
    """
    text = _own_maps() if maps is None else maps
    paths = sorted({line.split(maxsplit=5)[5] for line in text.splitlines() if "/" in line})
    found = {
        family: [path for path in paths if pattern.match(Path(path).name)]
        for family, pattern in _FAMILIES.items()
    }
    return {family: members for family, members in found.items() if members}


def duplicate_libraries(maps: str | None = None) -> dict[str, list[str]]:
    """The families of which more than one file is mapped."""
    return {family: paths for family, paths in loaded_libraries(maps).items() if len(paths) > 1}


def _own_maps() -> str:
    try:
        return Path("/proc/self/maps").read_text(errors="surrogateescape")
    except OSError:
        return ""
