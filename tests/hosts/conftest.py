"""The state that the files of all conventions hold; the command's namelist and checkpoint."""

from __future__ import annotations

import pytest

from cli.conftest import checkpoint, namelist
from support.host_files import Truth

__all__ = ["checkpoint", "namelist", "truth"]


@pytest.fixture(scope="session")
def truth() -> Truth:
    return Truth.make()
