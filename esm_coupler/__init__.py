"""esm_coupler: bounded sea-ice states from latent diffusion, for models and for people."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .generator.generator import Generator

try:
    __version__ = metadata.version("esm_coupler")
except metadata.PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+source"

__all__ = ["Generator", "__version__"]


def __getattr__(name: str):
    # Ranks that hold no generator import this package too, and must not pay for torch.
    if name == "Generator":
        from .generator.generator import Generator

        return Generator
    raise AttributeError(f"module 'esm_coupler' has no attribute '{name}'")
