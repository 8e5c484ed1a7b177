"""The namelist and checkpoint of the command's tests."""

from cli.conftest import checkpoint, namelist

__all__ = ["checkpoint", "namelist"]
