"""The reference host around an analysis: the way there is its namelist alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.acceptance import accepted
from support.cli import esm_coupler, esm_coupler_process

from esm_coupler.generator.generator import Generator
from esm_coupler.state import State

from .run import Host, Run
from .tiny_model import SHAPE, namelist
from esm_coupler.testing import tiny_grid

LEVEL = 0.3


@pytest.fixture(scope="module")
def analysis(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state of the tiny model as a file."""
    path = tmp_path_factory.mktemp("analysis") / "analysis.nc"
    generator = Generator.load(host.model / "tiny.safetensors", device="cpu")
    generator.generate(1, seed=7, date="1990-03-01", n_steps=3).to_netcdf(path)
    return path


def perturbing(host: Host, analysis: Path, coupler: str = "", **settings: object) -> str:
    text = namelist(host.model, analysis_file=f"'{analysis}'", n_days=2, **settings)
    mode = f"n_steps = 3, mode = 'perturb', noise_level = {LEVEL}"
    return text.replace("n_steps = 3", mode) + f"&coupler_nml {coupler} /\n"


@pytest.fixture(scope="module")
def run(host: Host, analysis: Path) -> Run:
    run = host.run_text(perturbing(host, analysis, "record = 'rec'", members=3), ranks=2)
    assert run.status == 0, run.stdout + run.stderr
    return run


def test_members_are_those_of_python_around_the_same_analysis(
    run: Run, host: Host, analysis: Path
) -> None:
    import xarray

    file = xarray.load_dataset(analysis)
    names = ("sic", "sit", "snt", "siu", "siv")
    state = State(np.stack([file[n].values[0] for n in names]), names, tiny_grid(SHAPE))
    generator = Generator.load(host.model / "tiny.safetensors", device="cpu")
    ours = generator.perturb(state, 3, date="1990-03-01", noise_level=LEVEL, n_steps=3)
    for index, name in enumerate(names):
        theirs = run.ensemble[f"{name}_start"].values
        assert np.array_equal(theirs, ours.values[:, index]), name
    assert all(accepted(State(v, names, state.grid)) for v in ours.values)
    assert not np.array_equal(ours.values[0], ours.values[1])


def test_one_rank_gives_the_same_file(run: Run, host: Host, analysis: Path) -> None:
    alone = host.run_text(perturbing(host, analysis, members=3, block_nx=32, block_ny=16))
    assert alone.status == 0, alone.stderr
    assert np.array_equal(alone.ensemble["sit_start"], run.ensemble["sit_start"])


def test_the_calls_can_be_made_again_from_the_recording(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    outcome = esm_coupler_process("replay", run.folder / "rec")
    assert (outcome.status, outcome.err) == (0, "")
    assert outcome.out.endswith("the same bits\n")


def test_without_an_analysis_the_arrays_are_one_without_ice(host: Host, analysis: Path) -> None:
    run = host.run_text(
        perturbing(host, analysis, members=1).replace(f"analysis_file = '{analysis}'", "")
        .replace(f"noise_level = {LEVEL}", "target_spread = 0.05, 0.0")
    )  # fmt: skip
    assert run.status == 1
    assert "the analysis has no ice, over which target_spread could be measured" in run.stdout


def test_a_refused_analysis_is_no_case_for_a_fallback(
    host: Host, analysis: Path, tmp_path: Path
) -> None:
    import xarray

    broken = xarray.load_dataset(analysis)
    broken["sic"][0, 8, 8] = np.nan
    broken.to_netcdf(tmp_path / "broken.nc")
    text = perturbing(host, tmp_path / "broken.nc", "on_failure = 'unchanged'", members=1)
    run = host.run_text(text, ranks=2)
    assert run.status == 1
    assert "the analysis is refused: field 'sic' is nan at i=9, j=9" in run.stdout


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("weights = 'weights.nc'", "needs the checkpoint's own grid"),
        ("members_ahead = 2", "makes one member after another, each around what the host has"),
    ],
)
def test_what_does_not_go_with_an_analysis_is_refused_at_the_start(
    key: str, words: str, host: Host, analysis: Path
) -> None:
    run = host.run_text(perturbing(host, analysis, key))
    assert run.status == 1
    assert words in run.stdout


def test_its_namelist_is_valid(host: Host, analysis: Path, tmp_path: Path) -> None:
    path = tmp_path / "host.nml"
    path.write_text(perturbing(host, analysis))
    assert esm_coupler("validate", path).status == 0
