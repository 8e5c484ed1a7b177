"""esm_coupler: bounded sea-ice states from latent diffusion, for models and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .generator.emulator import Emulator
    from .generator.generator import Generator

__version__: str

__all__ = ["Emulator", "Generator", "__version__"]


def __getattr__(name: str):
    # Ranks that hold no generator import this package too, and must not pay for torch, nor for
    # the third of their start that importlib.metadata takes.
    if name == "Generator":
        from .generator.generator import Generator

        return Generator
    if name == "Emulator":
        from .generator.emulator import Emulator

        return Emulator
    if name == "__version__":
        return _version()
    raise AttributeError(f"module 'esm_coupler' has no attribute '{name}'")


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("esm_coupler")
    except metadata.PackageNotFoundError:  # a source tree that is not installed
        return "0+source"
