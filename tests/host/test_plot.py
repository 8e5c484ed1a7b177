"""esm-coupler plot draws any ensemble file of ours."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import xarray
from matplotlib.image import imread
from support.cli import esm_coupler

from esm_coupler.state import Ensemble
from esm_coupler.testing import tiny_grid

from .run import Run

SHAPE = (32, 32)


def write_ensemble(path: Path, members: int = 3, names: tuple[str, ...] = ("sic", "sit")) -> Path:
    """States with ice around the pole, less of it in each member."""
    grid = tiny_grid(SHAPE)
    sic = np.stack([np.clip((grid.lat - 83 - k) / 3, 0, 1) * grid.mask for k in range(members)])
    values = np.stack([sic * (1 if name == "sic" else 2.5) for name in names], axis=1)
    day = datetime.date(2018, 3, 1)
    Ensemble(values, tuple(range(1, members + 1)), names, grid, day).to_netcdf(path)
    return path


def colours(picture: Path) -> int:
    """Number of different colours: an empty page has one."""
    red, green, blue = np.moveaxis((imread(picture)[..., :3] * 255).astype(np.uint32), -1, 0)
    return len(np.unique(red << 16 | green << 8 | blue))


def test_a_generated_ensemble(tmp_path: Path) -> None:
    file = write_ensemble(tmp_path / "e.nc")
    assert esm_coupler("plot", file, "--output", tmp_path / "e.png").status == 0
    assert colours(tmp_path / "e.png") > 1000


@pytest.mark.parametrize("more", [[], ["--start"]], ids=["final", "start"])
def test_a_host_s_file(a_run: Run, tmp_path: Path, more: list[str]) -> None:
    file = a_run.folder / "ensemble.nc"
    assert esm_coupler("plot", file, "--output", tmp_path / "e.png", *more).status == 0
    assert colours(tmp_path / "e.png") > 1000


def test_the_first_day_and_the_last_give_other_pictures(a_run: Run, tmp_path: Path) -> None:
    for name, more in (("last", []), ("first", ["--start"])):
        picture = tmp_path / f"{name}.png"
        esm_coupler("plot", a_run.folder / "ensemble.nc", "--output", picture, *more)
    assert not np.array_equal(imread(tmp_path / "first.png"), imread(tmp_path / "last.png"))


@pytest.mark.parametrize("members", [1, 2, 9])
def test_any_number_of_members(tmp_path: Path, members: int) -> None:
    file = write_ensemble(tmp_path / "e.nc", members)
    assert esm_coupler("plot", file).status == 0
    assert colours(tmp_path / "e.png") > 1000


def test_a_checkpoint_without_thickness(tmp_path: Path) -> None:
    file = write_ensemble(tmp_path / "e.nc", names=("sic",))
    assert esm_coupler("plot", file).status == 0


def test_no_ice_at_all(tmp_path: Path) -> None:
    grid = tiny_grid(SHAPE)
    values = np.zeros((2, 2, *SHAPE))
    day = datetime.date(2018, 9, 1)
    Ensemble(values, (1, 2), ("sic", "sit"), grid, day).to_netcdf(tmp_path / "e.nc")
    assert esm_coupler("plot", tmp_path / "e.nc").status == 0


def test_a_file_without_ice_fields_is_refused(tmp_path: Path) -> None:
    tiny_grid(SHAPE).to_netcdf(tmp_path / "grid.nc")
    assert "no variable 'sic'" in esm_coupler("plot", tmp_path / "grid.nc").sentence()


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    assert "none.nc does not exist" in esm_coupler("plot", tmp_path / "none.nc").sentence()


def test_the_training_data_are_no_ensemble() -> None:
    with as_file(files("esm_coupler") / "data/sample/cice_arctic_1990.nc") as sample:
        assert "no variable 'realization'" in esm_coupler("plot", sample).sentence()


@pytest.mark.parametrize("content", ["text", "truncated"])
def test_a_file_that_is_no_netcdf_is_refused(tmp_path: Path, content: str) -> None:
    file = write_ensemble(tmp_path / "e.nc")
    whole = file.read_bytes()
    file.write_bytes(b"&host_nml /" if content == "text" else whole[: len(whole) // 2])
    said = esm_coupler("plot", file).sentence()
    assert "e.nc cannot be read as an ensemble" in said
    assert "Errno" not in said


@pytest.mark.parametrize("kind", ["folder", "here", "pipe"])
def test_what_is_no_regular_file_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("folder").mkdir()
    said = esm_coupler("plot", "." if kind == "here" else kind).sentence()
    assert "is a folder, pipe or device" in said


FAULTS: dict[str, tuple[Callable[[xarray.Dataset], object], str]] = {
    "no number in sic": (lambda d: d.update({"sic": d.sic * np.nan}), "'sic'"),
    "no number in sit": (lambda d: d.update({"sit": d.sit * np.nan}), "'sit'"),
    "no ocean": (lambda d: d.update({"mask": d.mask * 0}), "no ocean cell"),
    "no latitude": (lambda d: d.update({"lat": d.lat * np.nan}), "'lat'"),
    "other order": (lambda d: d.update({"sic": d.sic.transpose("y", "x", "realization")}), "'sic'"),
    "text": (lambda d: d.update({"sic": d.sic.astype(str)}), "cannot be read"),
}


@pytest.mark.parametrize("fault, named", FAULTS.values(), ids=FAULTS.keys())
def test_a_file_with_nothing_to_draw_is_refused(
    tmp_path: Path, fault: Callable[[xarray.Dataset], object], named: str
) -> None:
    with xarray.open_dataset(write_ensemble(tmp_path / "sound.nc")) as sound:
        dataset = sound.load().drop_encoding()
    fault(dataset)
    dataset.to_netcdf(tmp_path / "e.nc")
    assert named in esm_coupler("plot", tmp_path / "e.nc").sentence()
    assert not (tmp_path / "e.png").exists()


@pytest.mark.parametrize("named", [True, False])
def test_a_picture_that_exists_is_replaced_on_request_only(tmp_path: Path, named: bool) -> None:
    file, picture = write_ensemble(tmp_path / "e.nc"), tmp_path / "e.png"
    picture.write_text("mine")
    arguments = ["plot", file, *(["-o", picture] if named else [])]
    assert "--overwrite" in esm_coupler(*arguments).sentence()
    assert picture.read_text() == "mine"
    assert esm_coupler(*arguments, "--overwrite").status == 0
    assert colours(picture) > 1000


def test_an_unknown_kind_of_picture_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "e.nc").write_text("no ensemble")
    outcome = esm_coupler("plot", tmp_path / "e.nc", "--output", tmp_path / "e.bmp")
    assert ".png, .pdf, .svg" in outcome.sentence()


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    file = write_ensemble(tmp_path / "e.nc")
    outcome = esm_coupler("plot", file, "--output", tmp_path / "none" / "e.png")
    assert "folder of output" in outcome.sentence()
    assert [path.name for path in tmp_path.iterdir()] == ["e.nc"]
