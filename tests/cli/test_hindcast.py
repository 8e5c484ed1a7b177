"""`esm-coupler hindcast`: a folder with scores, tables and pictures of a year held back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray
from support.cli import Outcome, esm_coupler
from support.weather import days_with_weather

from esm_coupler.errors import GeneratedStateError
from esm_coupler.generator.emulator import Emulator
from esm_coupler.testing import tiny_checkpoint, tiny_emulator, tiny_grid

GRID = tiny_grid((16, 32))
RIVALS = ("deterministic twin", "damped persistence", "persistence", "climatology")


def write_year(folder: Path, year: int) -> None:
    """40 days of ice that is another each day and year."""
    file = days_with_weather(GRID, year, 40)
    share = ("time", 1 - 0.1 * np.random.default_rng(year).random(40))
    for name in ("sic", "sit", "snt"):
        file[name] = file[name] * xarray.Variable(*share)
    file.to_netcdf(folder / f"made_up_{year}.nc")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("years")
    for year in (1989, 1990, 1991):
        write_year(folder, year)
    tiny_emulator(folder / "emulator.safetensors")
    tiny_emulator(folder / "twin.safetensors", seed=1)
    return folder


def run(world: Path, output: Path, *more: str | int | Path) -> Outcome:
    return esm_coupler(
        "hindcast", "--data", world, "--training-years", "1989,1990", "--year", 1991,
        "--checkpoint", world / "emulator.safetensors", "--leads", "1,15", "--starts", 3,
        "--members", 3, "--device", "cpu", "--output", output, *more,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scores(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("scores")
    done = run(world, output, "--twin", world / "twin.safetensors", "--free-run")
    assert done.status == 0, done.err
    assert "starts: 3 of 3" in done.out and "free run: 39 of 39 days" in done.out
    return output


def test_every_forecaster_has_scores_at_every_lead(scores: Path) -> None:
    results = json.loads((scores / "scores.json").read_text())
    assert results["about"]["starts"] == ["1991-01-01", "1991-01-13", "1991-01-25"]
    assert list(results["scores"]) == ["emulator", *RIVALS]
    for name, by_lead in results["scores"].items():
        assert list(by_lead) == ["1", "15"]
        for found in by_lead.values():
            assert found["forecasts"] == 3
            assert ("spread" in found["sic"]) == (name in ("emulator", "climatology"))
            assert all(found[quantity]["rmse"] > 0 for quantity in ("sic", "sit", "drift"))
    assert set(results["spectra"]["emulator"]) == {"15"}


def test_persistence_is_scored_against_the_days_of_the_file(scores: Path, world: Path) -> None:
    with xarray.open_dataset(world / "made_up_1991.nc", decode_times=False) as file:
        sit = file["sit"].values.astype("f8")[:, GRID.mask]
    expected = np.sqrt(np.mean([np.square(sit[s + 15] - sit[s]).mean() for s in (0, 12, 24)]))
    results = json.loads((scores / "scores.json").read_text())
    assert results["scores"]["persistence"]["15"]["sit"]["rmse"] == pytest.approx(expected)


def test_the_free_run_goes_through_the_year(scores: Path) -> None:
    found = json.loads((scores / "scores.json").read_text())["free_run"]
    assert found["days"] == 39 and found["finite"]
    assert [month["month"] for month in found["extent"]] == [1, 2]
    assert found["spread_at_the_end"]["sic"] > 0
    assert found["volume"][0]["least"] < found["volume"][0]["most"]


def test_tables_and_pictures_are_there(scores: Path) -> None:
    text = (scores / "table.md").read_text()
    for title in ("RMSE", "Fair CRPS", "Spread over RMSE", "Spectra", "Free run", "to reach"):
        assert title in text
    pictures = {path.name for path in scores.glob("*.png")}
    assert pictures == {"scores.png", "reliability.png", "maps.png", "free_run.png"}


def test_a_run_that_was_stopped_goes_on(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped, steps, limit = tmp_path / "whole", tmp_path / "stopped", [0], [30]
    step = Emulator.steps

    def counted(self: Emulator, *args: object, **more: object) -> list:
        steps[0] += 1
        if steps[0] > limit[0]:
            raise GeneratedStateError("stopped")
        return step(self, *args, **more)

    monkeypatch.setattr(Emulator, "steps", counted)
    assert "stopped" in run(world, stopped, "--free-run").sentence()  # in the third start
    limit[0] = steps[0] + 15 + 30  # what is left of it, and January of the free run
    assert "stopped" in run(world, stopped, "--free-run").sentence()
    limit[0] = steps[0] + 9
    assert run(world, stopped, "--free-run").status == 0
    limit[0] = 10_000
    assert run(world, whole, "--free-run").status == 0
    both = [(folder / "scores.json").read_text() for folder in (whole, stopped)]
    assert both[0] == both[1]


def test_other_settings_need_another_folder(world: Path, scores: Path) -> None:
    assert "members = 3, not 4" in run(world, scores, "--members", 4).sentence()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--leads", "1,zero"], "--leads is '1,zero'"),
        (["--leads", "60"], "the year has 40 days, a forecast of 60 days needs 61"),
        (["--year", "1989"], "--year 1989 is one of --training-years"),
        (["--training-years", "1984"], "has 0 files *1984*.nc"),
        (["--training-years", ""], "--training-years is ''"),
        (["--checkpoint", "no.safetensors"], "no.safetensors"),
        (["--physics", "no.nc"], "no.nc does not exist"),
    ],
    ids=lambda value: value[0] + value[1] if isinstance(value, list) else "",
)
def test_what_does_not_fit_is_one_sentence(
    world: Path, tmp_path: Path, more: list[str], said: str
) -> None:
    assert said in run(world, tmp_path / "scores", *more).sentence()


def test_a_generator_is_no_emulator(world: Path, tmp_path: Path) -> None:
    generator = tiny_checkpoint(tmp_path / "generator.safetensors")
    assert "emulator" in run(world, tmp_path / "scores", "--checkpoint", generator).sentence()


def test_a_twin_is_of_the_same_grid(world: Path, tmp_path: Path) -> None:
    twin = tiny_emulator(tmp_path / "twin.safetensors", shape=(16, 16))
    said = run(world, tmp_path / "scores", "--twin", twin).sentence()
    assert "--twin has another ocean mask" in said and "(16, 16)" in said


def test_files_are_of_the_grid_of_the_emulator(world: Path, tmp_path: Path) -> None:
    other = tiny_emulator(tmp_path / "emulator.safetensors", shape=(16, 16))
    said = run(world, tmp_path / "scores", "--checkpoint", other).sentence()
    assert "another ocean mask than the emulator" in said
