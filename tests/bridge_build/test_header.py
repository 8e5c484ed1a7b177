"""The statuses are the same in C, in Fortran and in Python: no constant maps to a wrong value."""

from __future__ import annotations

import re

from support.bridge import bridge_prefix

from esm_coupler.errors import Status

PYTHON = {f"ESM_{status.name}": int(status) for status in Status}


def test_the_header_has_the_statuses_of_python() -> None:
    header = (bridge_prefix() / "include" / "esm_coupler.h").read_text()
    enum = header[header.index("enum esm_status") : header.index("};")]
    found = {name: int(value) for name, value in re.findall(r"(ESM_\w+) = (\d+)", enum)}
    assert found == PYTHON


def test_the_fortran_module_has_the_statuses_of_python() -> None:
    source = (bridge_prefix() / "share" / "src" / "esm_coupler.F90").read_text()
    found = {
        name: int(value)
        for name, value in re.findall(r"parameter, public :: (ESM_\w+) = (\d+)", source)
    }
    assert found == PYTHON


def test_each_dummy_argument_of_the_fortran_face_has_a_comment() -> None:
    source = (bridge_prefix() / "share" / "src" / "esm_coupler.F90").read_text()
    procedures = source[source.index("\ncontains\n") :]
    dummies = re.findall(r"^.*intent\(.*$", procedures, flags=re.MULTILINE)
    public = [line for line in dummies if "class(coupler_t)" not in line and "!!" not in line]
    private_helpers = ("text\n", "bits\n")
    assert [line for line in public if not f"{line}\n".endswith(private_helpers)] == []
