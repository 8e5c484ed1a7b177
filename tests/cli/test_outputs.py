"""Where an output cannot go is said in a sentence, and nothing that is there is harmed."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from esm_coupler.atomic import MOST_NAME_BYTES, replace_file, write_atomically
from esm_coupler.errors import OutputError
from esm_coupler.testing import tiny_grid
from support.cli import esm_coupler

MANY = MOST_NAME_BYTES + 1


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, a_socket], ids=["pipe", "socket"])
def test_what_is_no_regular_file_is_not_replaced(
    tmp_path: Path, make: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # the path of a socket is short
    make(Path("special"))
    before = Path("special").stat()
    with pytest.raises(OutputError, match="special is a pipe, device or socket"):
        replace_file(Path("special"), b"new")
    assert Path("special").stat() == before


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="is a folder: give the name of a file"):
        replace_file(tmp_path, b"new")


@pytest.mark.parametrize("name", [MANY * "x", 300 * "x", MANY // 2 * "\N{SNOWFLAKE}"])
def test_a_name_that_is_too_long_is_said_with_its_length(tmp_path: Path, name: str) -> None:
    with pytest.raises(OutputError, match=rf"a name of {len(name.encode())} bytes: .* at most"):
        replace_file(tmp_path / name, b"new")


def test_a_name_as_long_as_allowed_is_written(tmp_path: Path) -> None:
    replace_file(tmp_path / (MOST_NAME_BYTES * "x"), b"new")


@pytest.mark.parametrize("below", ["out.nc", "folder/out.nc"])
def test_a_file_in_the_way_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match=r"out\.nc cannot be: .*/file is no folder"):
        replace_file(tmp_path / "file" / below, b"new")


def test_a_write_that_fails_leaves_the_old_file_alone(tmp_path: Path) -> None:
    def fail(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "out.nc").write_text("mine")
    with pytest.raises(OutputError, match=r"cannot write .*out\.nc: No space left"):
        write_atomically(tmp_path / "out.nc", fail)
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"]


def test_a_grid_is_replaced_on_request_only(tmp_path: Path) -> None:
    (tmp_path / "grid.nc").write_text("mine")
    with pytest.raises(OutputError, match="grid.nc exists"):
        tiny_grid().to_netcdf(tmp_path / "grid.nc")
    tiny_grid().to_netcdf(tmp_path / "grid.nc", overwrite=True)
    assert (tmp_path / "grid.nc").read_bytes() != b"mine"


@pytest.mark.parametrize("verb", ["generate", "inspect"])
@pytest.mark.parametrize("place, named", [("pipe", "pipe"), (300 * "x", "300 bytes")])
def test_a_verb_says_so_in_one_sentence(
    namelist: Path, checkpoint: Path, tmp_path: Path, verb: str, place: str, named: str
) -> None:
    os.mkfifo(tmp_path / "pipe")
    more = {
        "generate": [namelist, "--set", "ensemble_nml.overwrite=.true.", "--output"],
        "inspect": [checkpoint, "--overwrite", "--grid"],
    }
    assert named in esm_coupler(verb, *more[verb], tmp_path / place).sentence()
    assert (tmp_path / "pipe").is_fifo()
