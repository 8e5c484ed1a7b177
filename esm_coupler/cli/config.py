"""`esm-coupler config`: compiler flags and folders for hosts that are built without CMake."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from ..errors import EsmCouplerError

_PREFIX = Path(__file__).resolve().parents[1]
_ASSIGNMENT = re.compile(r"(\w+)[=:]\s*(.*)")
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def config(
    fflags: Annotated[bool, typer.Option("--fflags", help="Flags to compile Fortran.")] = False,
    cflags: Annotated[bool, typer.Option("--cflags", help="Flags to compile C or C++.")] = False,
    libs: Annotated[bool, typer.Option("--libs", help="Flags to link.")] = False,
    prefix: Annotated[bool, typer.Option("--prefix", help="Folder of the bridge.")] = False,
    cmake_dir: Annotated[
        bool, typer.Option("--cmake-dir", help="Value for CMake's esm_coupler_DIR.")
    ] = False,
    pkg_config_dir: Annotated[
        bool, typer.Option("--pkg-config-dir", help="Folder for PKG_CONFIG_PATH.")
    ] = False,
) -> None:
    """Print how to compile and link a host, one line for each option.

    \b
    Example:
      mpif90 host.f90 $(esm-coupler config --fflags --libs) -o host
      cmake -S . -B build -D esm_coupler_DIR=$(esm-coupler config --cmake-dir)
    """
    wanted = {
        "fflags": fflags, "cflags": cflags, "libs": libs, "prefix": prefix,
        "cmake_dir": cmake_dir, "pkg_config_dir": pkg_config_dir,
    }  # fmt: skip
    if not any(wanted.values()):
        raise typer.BadParameter("name at least one of --fflags, --cflags, --libs, ...")
    answers = build_flags(bridge_prefix())
    for name in (name for name, asked in wanted.items() if asked):
        typer.echo(answers[name])


def bridge_prefix() -> Path:
    """Folder that holds the bridge's lib and include; EsmCouplerError without a bridge."""
    if not (_PREFIX / "lib" / "pkgconfig" / "esm_coupler.pc").is_file():
        raise EsmCouplerError(
            f"the esm_coupler in {_PREFIX} was installed without its bridge: install a Fortran "
            f"compiler and MPI, then run 'pip install .' in its source again"
        )
    return _PREFIX


def build_flags(prefix: Path) -> dict[str, str]:
    """What `config` prints, by option. The pkg-config file is the one place of the flags."""
    folder = prefix / "lib" / "pkgconfig"
    flags = read_pkg_config(folder / "esm_coupler.pc")
    return {
        "fflags": flags["Cflags"],
        "cflags": flags["Cflags"],
        "libs": flags["Libs"],
        "prefix": str(prefix),
        "cmake_dir": str(prefix / "lib" / "cmake" / "esm_coupler"),
        "pkg_config_dir": str(folder),
    }


def read_pkg_config(path: Path) -> dict[str, str]:
    """Variables and fields of a .pc file, with ${...} filled in."""
    values = {"pcfiledir": str(path.parent)}
    for line in path.read_text(encoding="utf-8").splitlines():
        if assignment := _ASSIGNMENT.fullmatch(line):
            filled = _VARIABLE.sub(lambda match: values[match.group(1)], assignment.group(2))
            values[assignment.group(1)] = filled.replace("/lib/pkgconfig/../..", "")
    return values
