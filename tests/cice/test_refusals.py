"""What the adapter cannot start from ends the run through abort_ice, and the text says why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from coupling.layouts import rows
from esm_coupler.testing import tiny_checkpoint, tiny_grid

from .model_run import CiceLike, Fields, namelist, some_state

NY, NX = 16, 32
MEMBER = {"esm_member": 1}


def refused(run) -> str:
    """The text of a run that was aborted before it wrote anything."""
    assert run.status != 0
    assert not (run.folder / "state.out").exists()
    assert "ABORTED: " in run.errors
    return run.errors


@pytest.mark.parametrize(
    ("esm", "text"),
    [
        ({"esm_namelist": "no.nml"}, "no.nml"),
        ({"esm_member": -1}, "member"),
        ({"esm_member": 1, "esm_date": 19901301}, "19901301"),
        ("&esm_nml\n  esm_members = 1\n/\n", "esm_members"),
        ("&esm_nml\n  esm_namelist = 'esm_coupler.nml'\n", "does not end with a /"),
    ],
)
def test_the_namelist_group_is_wrong(model: CiceLike, state: Fields, esm, text: str) -> None:
    assert text in refused(model.run(state, rows(NX, NY, 2), esm))


def test_there_is_no_checkpoint(model: CiceLike, state: Fields) -> None:
    lost = replace(model, coupler=namelist("generator_nml", {"checkpoint": "lost.safetensors"}))
    assert "lost.safetensors" in refused(lost.run(state, rows(NX, NY, 2), MEMBER))


def test_the_grid_is_another_one(model: CiceLike) -> None:
    other = some_state(tiny_grid((12, 14)))
    text = refused(model.run(other, rows(14, 12, 2), MEMBER))
    assert "14 x 12" in text and "32 x 16" in text


def test_the_coast_is_another_one(model: CiceLike, state: Fields) -> None:
    moved = state | {"ocean": np.roll(state["ocean"], 9, axis=1)}
    assert "ocean" in refused(model.run(moved, rows(NX, NY, 2), MEMBER))


def test_the_drift_is_at_cell_centres(
    model: CiceLike, state: Fields, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = centred(tmp_path_factory.mktemp("centre") / "centre.safetensors")
    other = replace(model, coupler=namelist("generator_nml", {"checkpoint": str(path)}))
    text = refused(other.run(state, rows(NX, NY, 1), MEMBER))
    assert "drift of the checkpoint is at cell centres" in text


def centred(path: Path) -> Path:
    """The tiny checkpoint again, with the drift of its grid at cell centres."""
    from esm_coupler.generator.checkpoint import read_checkpoint
    from esm_coupler.generator.model import load_model, save_model

    model = load_model(read_checkpoint(tiny_checkpoint(path)))
    grid = replace(model.grid, drift_location="centre")
    save_model(path, replace(model, grid=grid), {"note": "untrained, for tests"})
    return path


@pytest.mark.parametrize(("keys", "text"), [({"tr_fsd": True}, "tr_fsd"), ({"grid_ice": "C"}, "C")])
def test_the_model_has_what_no_new_ice_has(model: CiceLike, state: Fields, keys, text: str) -> None:
    assert text in refused(model.run(state, rows(NX, NY, 1), MEMBER, **keys))
