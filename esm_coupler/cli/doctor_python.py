"""The doctor on the interpreter, its packages, and torch with its GPU."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from importlib import metadata

from .finding import Finding

OLDEST, NEWEST = (3, 10), (3, 13)
PACKAGES = (
    "numpy", "torch", "mpi4py", "f90nml", "pydantic", "safetensors", "cffi", "xarray", "netCDF4",
    "scipy", "scores", "typer", "rich", "matplotlib", "cmocean",
)  # fmt: skip


def findings() -> Iterator[Finding]:
    """All of this file."""
    yield interpreter(sys.version_info[:2])
    yield packages(PACKAGES)
    yield gpu()


def interpreter(version: tuple[int, ...]) -> Finding:
    """Whether this Python is one that esm_coupler supports."""
    text = f"{sys.executable} is Python {version[0]}.{version[1]}"
    if OLDEST <= version <= NEWEST:
        return Finding("interpreter", "ok", text)
    supported = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    return Finding("interpreter", "fault", f"{text}; install esm_coupler with one of {supported}")


def packages(names: tuple[str, ...]) -> Finding:
    """Whether the packages that esm_coupler needs are installed."""
    missing = [name for name in names if not _is_installed(name)]
    if missing:
        install = f"'{sys.executable} -m pip install {' '.join(missing)}'"
        return Finding("packages", "fault", f"{', '.join(missing)} not installed; run {install}")
    return Finding("packages", "ok", ", ".join(f"{n} {metadata.version(n)}" for n in names))


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def gpu() -> Finding:
    """Whether torch can be imported and sees a GPU."""
    try:
        torch = importlib.import_module("torch")
    # A broken installation of torch raises whatever its libraries run into.
    except Exception as error:
        text = f"torch cannot be imported ({error}); install it again with pip"
        return Finding("torch", "fault", text)
    if torch.cuda.is_available():
        return Finding("torch", "ok", f"{torch.__version__} with {torch.cuda.get_device_name(0)}")
    text = f"{torch.__version__} sees no GPU and computes on the CPU; "
    remedy = "for a GPU, check its driver, CUDA_VISIBLE_DEVICES, and that torch is a CUDA build"
    return Finding("torch", "note", text + remedy)
