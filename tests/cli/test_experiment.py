"""esm-coupler experiment: every generator of a folder and every rival in one go, resumed."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.test_evaluate import write
from support.cli import esm_coupler

from esm_coupler.cli.member_store import MemberStore
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.model import load_model, save_model
from esm_coupler.testing import tiny_checkpoint
from esm_coupler.verify.rivals import RIVALS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generator, how it was trained, and three years of states."""
    folder = tmp_path_factory.mktemp("experiment")
    drawn = tiny_checkpoint(folder / "drawn.safetensors")
    model = load_model(read_checkpoint(drawn))
    told = {"steps": 20, "seconds": 60, "settings": {"batch": 4, "seed": 3}}
    save_model(folder / "ours.safetensors", model, {"denoiser": told})
    drawn.unlink()
    for year in (1989, 1990, 1991):
        write(folder / f"{year}.nc", year)
    return folder


def arguments(folder: Path, *more: str) -> list[str | Path]:
    seen = ["--training", folder / "1989.nc", "--training", folder / "1990.nc"]
    few = ["--states", "12", "--n-steps", "2"]
    return ["experiment", folder, *seen, "--reference", folder / "1991.nc", *few, *more]


def test_all_rows_are_made_in_one_go_and_only_once(folder: Path) -> None:
    first = esm_coupler(*arguments(folder))
    assert first.status == 0, first.err
    for name in ("ours", *RIVALS):
        assert f"{name}: 12 of 12" in first.out
        assert f"\n| {name} | " in first.out
    assert "| ours | denoiser | " in first.out and " | 80 | 1 | 3 | " in first.out
    output = folder / "dpm-2-5"
    assert (output / "tables.md").read_text().strip() in first.out
    assert not list(output.glob("*.parts"))
    again = esm_coupler(*arguments(folder))
    assert "12 of 12" not in again.out and "ours: states made before" in again.out
    assert (output / "tables.md").read_text().strip() in again.out


def test_a_row_that_was_stopped_goes_on(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = arguments(folder, "--only", "ours", "--refine-steps", "1")
    save, saved = MemberStore.save, []

    def until_the_fourth(store: MemberStore, member: int, values: object) -> None:
        if len(saved) == 4:
            raise KeyboardInterrupt
        saved.append(member)
        save(store, member, values)

    with monkeypatch.context() as patch:
        patch.setattr(MemberStore, "save", until_the_fourth)
        assert esm_coupler(*few).status != 0
    monkeypatch.setattr(
        MemberStore, "save", lambda store, k, values: (saved.append(k), save(store, k, values))
    )
    done = esm_coupler(*few)
    assert done.status == 0, done.err
    assert saved == list(range(1, 13))


def test_a_row_that_is_not_there_is_refused_by_name(folder: Path) -> None:
    said = esm_coupler(*arguments(folder, "--only", "theirs")).sentence()
    assert "there is no row 'theirs': choose from ours, climatology, eof_gaussian" in said
