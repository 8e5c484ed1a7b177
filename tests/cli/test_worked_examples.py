"""Each namelist in namelists/ runs, on a small scale."""

from __future__ import annotations

from pathlib import Path

import pytest
import xarray

import esm_coupler as package
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.hosts import open_series
from esm_coupler.testing import tiny_emulator, tiny_grid
from support.cice_template import template_values, write_cice
from support.cli import esm_coupler
from support.nextsim_template import nextsim_values, write_nextsim
from support.si3_template import si3_values, write_si3
from support.weather import days_with_weather

NAMELISTS = Path(__file__).parents[2] / "namelists"
SAMPLE = Path(package.__file__).parent / "data" / "sample"
SMALL = (
    f"training_nml.data={SAMPLE}", "training_nml.train_years=1990", "training_nml.steps=2",
    "training_nml.validation_years=1991", "training_nml.batch=2", "training_nml.device=cpu",
    "training_nml.threads=1", "training_nml.precision=fp32",
)  # fmt: skip

TEMPLATES = {
    "cice": lambda path: write_cice(path, template_values(tiny_grid())),
    "si3": lambda path: write_si3(path, si3_values(tiny_grid())),
    "nextsim": lambda path: write_nextsim(path, nextsim_values(tiny_grid())),
}


def sets(*overrides: str) -> list[str]:
    return [item for override in overrides for item in ("--set", override)]


@pytest.mark.parametrize("name", ["generate.nml", "demo.nml", "gpu.nml"])
def test_an_ensemble_is_generated(name: str, checkpoint: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.nc"
    small = sets(f"generator_nml.checkpoint={checkpoint}", "generator_nml.n_steps=2")
    done = esm_coupler("generate", NAMELISTS / name, *small, "--output", output)
    assert done.status == 0, done.err
    with xarray.open_dataset(output) as dataset:
        assert dataset.sizes["realization"] >= 4


@pytest.mark.parametrize("name", ["generate_cice.nml", "generate_si3.nml", "generate_nextsim.nml"])
def test_restarts_are_generated(name: str, checkpoint: Path, tmp_path: Path) -> None:
    model = name.removeprefix("generate_").removesuffix(".nml")
    template = TEMPLATES[model](tmp_path / "template.nc")
    small = sets(
        f"generator_nml.checkpoint={checkpoint}", "generator_nml.n_steps=2",
        f"ensemble_nml.template={template}", f"ensemble_nml.output={tmp_path}/out",
        "ensemble_nml.members=1",
    )  # fmt: skip
    done = esm_coupler("generate", NAMELISTS / name, *small)
    assert done.status == 0, done.err
    (restart,) = (tmp_path / "out" / "member_0001").glob("*.nc")
    assert esm_coupler("check", restart).status == 0


def test_an_analysis_is_perturbed(checkpoint: Path, tmp_path: Path) -> None:
    template = TEMPLATES["cice"](tmp_path / "template.nc")
    small = sets(
        f"generator_nml.checkpoint={checkpoint}", "generator_nml.n_steps=2",
        # an untrained model has no spread to speak of
        "generator_nml.target_spread=0.0,0.0", "generator_nml.noise_level=0.1",
        f"ensemble_nml.template={template}", f"ensemble_nml.output={tmp_path}/out",
        "ensemble_nml.members=2",
    )  # fmt: skip
    done = esm_coupler("generate", NAMELISTS / "perturb.nml", *small)
    assert done.status == 0, done.err
    (restart,) = (tmp_path / "out" / "member_0002").glob("*.nc")
    assert esm_coupler("check", restart).status == 0


def test_a_forecast_is_made_of_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = open_series([SAMPLE / "cice_arctic_1991.nc"]).grid
    emulator = tiny_emulator(tmp_path / "emulator.safetensors", grid=grid)
    small = sets(
        f"forecast_nml.checkpoint={emulator}", "forecast_nml.n_days=2", "ensemble_nml.members=2"
    )
    monkeypatch.chdir(NAMELISTS.parent)  # its files are named from here
    done = esm_coupler("forecast", NAMELISTS / "forecast.nml", *small, "-o", tmp_path / "out.nc")
    assert done.status == 0, done.err
    with xarray.open_dataset(tmp_path / "out.nc") as dataset:
        assert dict(dataset["sic"].sizes) == {"realization": 2, "time": 3, "y": 96, "x": 96}


EMULATORS = [
    "train_emulator.nml", "tune_emulator.nml", "emulators/deterministic.nml",
    "emulators/diffusion.nml",
]  # fmt: skip


@pytest.mark.parametrize("name", EMULATORS)
def test_an_emulator_is_trained_and_goes_forward(name: str, tmp_path: Path) -> None:
    for year in (1990, 1991):
        days_with_weather(tiny_grid(), year, 18).to_netcdf(tmp_path / f"days_{year}.nc")
    output = tmp_path / "emulator.safetensors"
    start = [
        f"training_nml.start_from={tiny_emulator(tmp_path / 'start.safetensors')}",
        "emulator_nml.noise=2", "emulator_nml.memory=3",
    ]  # fmt: skip
    train(
        name, output, f"training_nml.data={tmp_path}", "emulator_nml.channels=8,8,8",
        "emulator_nml.blocks=1", *(start if "tune" in name else []),
    )  # fmt: skip
    days = tmp_path / "days_1991.nc"
    small = sets(
        f"forecast_nml.checkpoint={output}", f"forecast_nml.initial={days}",
        f"forecast_nml.forcing={days}", "forecast_nml.n_days=1", "ensemble_nml.date=19910102",
        "ensemble_nml.members=1",
    )  # fmt: skip
    done = esm_coupler("forecast", NAMELISTS / "forecast.nml", *small, "-o", tmp_path / "out.nc")
    assert done.status == 0, done.err


def train(name: str, output: Path, *overrides: str) -> None:
    small = sets(*SMALL, f"training_nml.output={output}", *overrides)
    done = esm_coupler("train", NAMELISTS / name, *small)
    assert done.status == 0, done.err


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Trained for two steps from train_autoencoder.nml, smaller than there."""
    output = tmp_path_factory.mktemp("autoencoder") / "autoencoder.safetensors"
    train(
        "train_autoencoder.nml", output, "autoencoder_nml.channels=8",
        "autoencoder_nml.latent_blocks=1", "autoencoder_nml.latent_channels=2",
    )  # fmt: skip
    return output


def test_an_autoencoder_is_trained(autoencoder: Path) -> None:
    assert read_checkpoint(autoencoder).kind == "autoencoder"


def test_a_denoiser_is_trained_on_it_and_generates(autoencoder: Path, tmp_path: Path) -> None:
    output = tmp_path / "generator.safetensors"
    small = "denoiser_nml.channels=8,8", "denoiser_nml.blocks=1"
    small += "denoiser_nml.eofs=0", "training_nml.gain_states=0"
    train("train_denoiser.nml", output, f"training_nml.space={autoencoder}", *small)
    small = sets(
        f"generator_nml.checkpoint={output}", "ensemble_nml.members=1", "generator_nml.n_steps=1"
    )
    arguments = ["generate", NAMELISTS / "generate.nml", *small, "-o", tmp_path / "out.nc"]
    done = esm_coupler(*arguments)
    assert done.status == 0, done.err


EXPERIMENTS = sorted(path.name for path in (NAMELISTS / "experiments").glob("*.nml"))


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_row_of_the_experiment_begins_its_training(
    name: str, autoencoder: Path, tmp_path: Path
) -> None:
    is_latent = name.startswith("latent")
    on_it = [f"training_nml.space={autoencoder}"] if is_latent else []
    thin = [f"{group}_nml.channels=8,8" for group in ("denoiser", "refiner")]
    thin += ["autoencoder_nml.channels=8", "training_nml.pictures=.false."]
    if name == "pyramid.nml":  # the sample has few days
        thin += ["denoiser_nml.eofs=4", "training_nml.gain_states=2"]
    train(f"experiments/{name}", tmp_path / "out.safetensors", *on_it, *thin)
    assert (tmp_path / "out.safetensors").is_file()


def test_a_finished_checkpoint_is_not_trained_over(autoencoder: Path) -> None:
    before = autoencoder.read_bytes()
    small = sets(*SMALL, f"training_nml.output={autoencoder}")
    said = esm_coupler("train", NAMELISTS / "train_autoencoder.nml", *small).sentence()
    assert "autoencoder.safetensors exists" in said
    assert autoencoder.read_bytes() == before


@pytest.mark.parametrize(
    "override, named",
    [
        ("training_nml.data=absent", "absent"),
        ("training_nml.train_years=1700", "1700"),
        ("training_nml.output=absent/out.safetensors", "folder of output"),
    ],
)
def test_a_training_that_cannot_begin_says_why(override: str, named: str, tmp_path: Path) -> None:
    small = sets(*SMALL, f"training_nml.output={tmp_path}/out.safetensors", override)
    assert named in esm_coupler("train", NAMELISTS / "train_autoencoder.nml", *small).sentence()


def test_a_denoiser_is_not_trained_on_a_generator(checkpoint: Path, tmp_path: Path) -> None:
    output = f"training_nml.output={tmp_path}/out.safetensors"
    small = sets(*SMALL, output, f"training_nml.space={checkpoint}", "training_nml.gain_states=0")
    said = esm_coupler("train", NAMELISTS / "train_denoiser.nml", *small).sentence()
    assert "'generator'" in said
    assert "'autoencoder'" in said
