"""The state that the files of all conventions hold."""

from __future__ import annotations

import pytest

from support.host_files import Truth


@pytest.fixture(scope="session")
def truth() -> Truth:
    return Truth.make()
