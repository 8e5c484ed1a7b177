"""esm-coupler evaluate scores files, and refuses in a sentence what it cannot score."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray
from support.cli import Outcome, esm_coupler

from esm_coupler.cli import evaluate as verb
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.model import load_space, save_autoencoder
from esm_coupler.testing import tiny_checkpoint, tiny_grid
from esm_coupler.verify.states import States, write_states
from esm_coupler.verify.states_file import read_states

SHAPE = (16, 32)
NAMES = ("sic", "sit", "snt", "siu", "siv")


def write(
    path: Path, year: int, more: float = 0.0, shape: tuple[int, int] = SHAPE, n_states: int = 24
) -> Path:
    """States of a year: ice around the pole and a random drift, with noise of the year's own."""
    grid, draw = tiny_grid(shape), np.random.default_rng(year)
    noise = draw.normal(0, 0.1, (n_states, *shape)) * (grid.lat < 89)
    sic = np.clip((grid.lat - 84 + more) / 3 + noise, 0, 1) * grid.mask
    drift = 0.1 * draw.normal(0, 1, (2, *sic.shape)) * grid.drift_mask
    drift *= np.stack([grid.touched_by(ice > 0) for ice in sic])
    fields = np.stack([sic, 2 * sic, 0.2 * sic, *drift], axis=1).astype("f4")
    dates = np.datetime64(f"{year}-01-01") + 360 // n_states * np.arange(n_states)
    write_states(States(fields, dates, NAMES, grid), path)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    return {
        "made": write(tmp_path / "made.nc", 2018, more=1.0, n_states=8),
        "true": write(tmp_path / "true.nc", 1991),
        "seen_1": write(tmp_path / "seen_1.nc", 1989),
        "seen_2": write(tmp_path / "seen_2.nc", 1990),
    }


def training(files: dict[str, Path]) -> list[str | Path]:
    return ["--training", files["seen_1"], "--training", files["seen_2"]]


def test_an_ensemble_is_held_against_its_truth(files: dict[str, Path], tmp_path: Path) -> None:
    states = read_states(files["made"])
    dates = np.repeat(np.datetime64("1991-06-30"), len(states))
    ensemble, scores = tmp_path / "ensemble.nc", tmp_path / "scores.json"
    write_states(States(states.fields, dates, states.names, states.grid), ensemble)
    outcome = esm_coupler("evaluate", ensemble, files["true"], *training(files), "--truth",
                          files["true"], "--json", scores)  # fmt: skip
    assert outcome.status == 0, outcome.err
    found = json.loads(scores.read_text())["ensemble"]
    # every 15th day of the truth: four are less than 61 days older
    sizes = {name: each["members"] for name, each in found.items()}
    assert sizes == {"ensemble": 8, "persistence": 4, "climatology": 8}
    crps = found["ensemble"]["fields"]["sic"]["crps"]
    assert f"{crps:.4f}" in outcome.out and "spatial probability score" in outcome.out
    with xarray.open_dataset(ensemble) as dataset:
        dataset.load().assign_attrs(mode="perturb").to_netcdf(tmp_path / "pairs.nc")
    outcome = esm_coupler("evaluate", tmp_path / "pairs.nc", files["true"], "--truth",
                          files["true"], "--json", tmp_path / "pairs.json")  # fmt: skip
    assert outcome.status == 0, outcome.err
    pairs = json.loads((tmp_path / "pairs.json").read_text())["ensemble"]
    of_pairs, alone = (f["ensemble"]["fields"]["sic"]["spread_over_rmse"] for f in (pairs, found))
    assert of_pairs != alone
    assert pairs["persistence"] == found["persistence"]
    said = esm_coupler("evaluate", files["made"], files["true"], "--truth", files["true"])
    assert "8 states of 8 dates are no ensemble" in said.sentence()


def test_tables_json_and_report_say_the_same(files: dict[str, Path], tmp_path: Path) -> None:
    scores, folder = tmp_path / "scores.json", tmp_path / "scores"
    outcome = esm_coupler("evaluate", files["made"], files["true"], *training(files),
                          "--json", scores, "--report", folder)  # fmt: skip
    assert outcome.status == 0, outcome.err
    read = json.loads(scores.read_text())
    error = f"{read['distances']['reference']['extent_wasserstein']:.3f}"
    page = (folder / "report.html").read_text()
    assert error in outcome.out and error in page
    assert float(error) > 0.05  # there is more ice
    assert read["about"]["sets"]["training"]["files"] == "seen_1.nc seen_2.nc"
    assert "seen_1.nc seen_2.nc" in page and "made.nc" in outcome.out
    assert len(read["monthly"]) == 8 and len(read["distances"]["single_years"]) == 9
    assert f"wrote {folder / 'report.html'}" in outcome.out


def test_defaults_are_what_the_package_carries(tmp_path: Path) -> None:
    scores = tmp_path / "scores.json"
    outcome = esm_coupler("evaluate", verb.SAMPLE_TRAINING, "--json", scores)
    assert outcome.status == 0, outcome.err
    read = json.loads(scores.read_text())
    sets = {name: facts["years"] for name, facts in read["about"]["sets"].items()}
    assert sets == {"generated": [1990], "reference": [1991], "training": [1990]}
    assert set(read["memory"]["generated"].values()) == {0.0}  # they are the training states
    assert 0 < read["memory"]["reference"]["50"]
    assert read["spectra"]["window_cells"] == 36
    ratios = read["spectra"]["training"]
    assert np.array(list(ratios.values())) == pytest.approx(np.ones((7, 6)))


def test_autoencoders_and_raw_states(files: dict[str, Path], tmp_path: Path) -> None:
    generator = tiny_checkpoint(tmp_path / "tiny.safetensors", SHAPE)
    faed = tmp_path / "independent.safetensors"
    save_autoencoder(faed, *load_space(read_checkpoint(generator)), {})
    scores = tmp_path / "scores.json"
    networks = ["--faed", faed, "--autoencoder", generator]
    outcome = esm_coupler("evaluate", files["made"], files["true"], "--json", scores, *networks,
                          "--raw", files["seen_1"])  # fmt: skip
    assert outcome.status == 0, outcome.err
    read = json.loads(scores.read_text())
    assert read["faed"]["reference"]["mean"] > 0
    assert set(read["consistency"]) == {"generated", "reference", "raw"}
    assert set(read["spectra"]["autoencoder"]) == {*NAMES, "divergence", "shear"}
    assert "FAED" in outcome.out and "autoencoder alone" in outcome.out


def refused(*arguments: str | Path) -> str:
    outcome: Outcome = esm_coupler("evaluate", *arguments)
    return outcome.sentence()


def test_what_cannot_be_scored_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    other = write(tmp_path / "other.nc", 1991, shape=(16, 48))
    assert "none.nc does not exist" in refused(tmp_path / "none.nc")
    assert "different grids or masks" in refused(files["made"])  # the sample has 96 x 96 cells
    assert "different grids or masks" in refused(files["made"], other)
    assert "different grids or masks" in refused(files["made"], files["true"], "--raw", other)
    generator = tiny_checkpoint(tmp_path / "tiny.safetensors", SHAPE)
    said = refused(files["made"], files["true"], "--faed", generator)
    assert "kind 'generator', needed is 'autoencoder'" in said
    of_others = tiny_checkpoint(tmp_path / "others.safetensors", (16, 48))
    said = refused(files["made"], files["true"], "--autoencoder", of_others)
    assert "the autoencoder is for" in said


def test_outputs_replace_nothing_unasked(files: dict[str, Path], tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "report.html").write_text("mine")
    (tmp_path / "mine.json").write_text("mine")
    both = [files["made"], files["true"]]
    assert "--overwrite" in refused(*both, "--report", mine)
    assert "--overwrite" in refused(*both, "--json", tmp_path / "mine.json")
    assert (mine / "report.html").read_text() == (tmp_path / "mine.json").read_text() == "mine"
    assert "cannot make the folder" in refused(*both, "--report", tmp_path / "mine.json")
    assert "cannot make the folder" in refused(*both, "--report", tmp_path / "no" / "such")
