"""Training reads the simulation, learns, and goes on where it was interrupted."""

import csv
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.image
import numpy as np
import pytest
import torch

import esm_coupler
from esm_coupler.config import TrainingConfig
from esm_coupler.errors import ConfigError, DataError
from esm_coupler.generator.architecture import AutoencoderConfig, DenoiserConfig, RefinerConfig
from esm_coupler.generator.autoencoder import Autoencoder
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.state import parse_date
from esm_coupler.training import autoencoder, denoiser, loop
from esm_coupler.training.curve import Curve
from esm_coupler.training.data import FULL_COVER, OPEN_WATER, read_days

SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample"


def settings(output, **changes):
    options = {
        "kind": "autoencoder", "data": str(SAMPLE), "train_years": (1990,),
        "validation_years": (1991,), "output": str(output), "steps": 4, "batch": 2,
        "warmup_steps": 1, "checkpoint_every": 2, "device": "cpu", "precision": "fp32",
        "threads": 1, "pictures": False,
    }  # fmt: skip
    return TrainingConfig(**options | changes)


def config(output, **changes):
    return SimpleNamespace(
        training=settings(output, **changes),
        autoencoder=AutoencoderConfig(channels=8, latent_blocks=1),
        denoiser=DenoiserConfig(channels=(8, 8), patch=1, blocks=1, embedding=8, spread_nodes=4),
        refiner=RefinerConfig(channels=(8, 8), blocks=1, embedding=8, spread_nodes=4),
    )


def curve_of(output):
    with open(output.with_suffix(".curve.csv"), newline="") as file:
        return list(csv.DictReader(file))


def test_days_are_snapped_to_the_bounds_consistently():
    days = read_days(SAMPLE, [1991])
    sic, sit, snt, siu, _ = (days.fields[:, k] for k in range(5))
    assert not ((sic > 0) & (sic < OPEN_WATER)).any()
    assert not ((sic < 1) & (sic >= FULL_COVER)).any()
    assert np.array_equal(sic > 0, sit > 0)
    assert not snt[sic == 0].any()
    assert days.day_of_year[0] == 1
    assert np.abs(siu).max() > 0.1


def test_a_missing_year_is_named():
    with pytest.raises(ConfigError, match="1987"):
        read_days(SAMPLE, [1987])


@pytest.mark.parametrize("fault", ["truncated", "NaN", "no days", "not a file of states"])
def test_a_faulty_file_is_refused_by_name(tmp_path, fault):
    path = tmp_path / "simulation_1990.nc"
    dataset = sample()
    if fault == "no days":
        dataset.isel(time=0).drop_vars("time").to_netcdf(path)
    elif fault == "NaN":
        dataset["sit"][3, 48, 48] = np.nan
        dataset.to_netcdf(path)
    elif fault == "truncated":
        path.write_bytes((SAMPLE / "cice_arctic_1990.nc").read_bytes()[:100_000])
    else:
        path.write_text("no netCDF")
    with pytest.raises(DataError, match="simulation_1990.nc") as refusal:
        read_days(tmp_path, [1990])
    assert "\n" not in str(refusal.value)


def sample(year=1990):
    import xarray

    with xarray.open_dataset(SAMPLE / f"cice_arctic_{year}.nc") as file:
        return file.load().drop_encoding()


def test_a_day_that_breaks_its_bounds_is_refused_with_its_cell(tmp_path):
    dataset = sample()
    dataset["sic"][3, 47, 45] = 1.05
    dataset.to_netcdf(tmp_path / "simulation_1990.nc")
    with pytest.raises(DataError) as refusal:
        read_days(tmp_path, [1990])
    assert str(refusal.value).startswith(
        f"{tmp_path}/simulation_1990.nc: 'sic' is 1.05 on 1990-04-01 at i=46, j=48, allowed is "
        "0 to 1 (sic); 1 such points on that day"
    )


def test_a_model_may_lack_fields_but_not_in_one_year_only(tmp_path):
    dataset = sample()
    dataset.drop_vars(["snt", "siu", "siv"]).to_netcdf(tmp_path / "simulation_1990.nc")
    days = read_days(tmp_path, [1990])
    assert days.names == ("sic", "sit")
    assert np.array_equal(days.fields, read_days(SAMPLE, [1990]).fields[:, :2])
    (tmp_path / "simulation_1991.nc").write_bytes((SAMPLE / "cice_arctic_1991.nc").read_bytes())
    with pytest.raises(ConfigError, match=r"simulation_1991\.nc has other fields or another mask"):
        read_days(tmp_path, [1990, 1991])
    dataset[["sit", "lat", "lon", "mask", "cell_area", "angle"]].to_netcdf(tmp_path / "sit_1990.nc")
    with pytest.raises(ConfigError, match=r"sit_1990\.nc has sit but no concentration"):
        read_days(tmp_path / "sit_1990.nc", [1990])


def test_a_training_of_two_fields_gives_a_generator_of_two(tmp_path):
    for year in (1990, 1991):
        sample(year).drop_vars(["snt", "siu", "siv"]).to_netcdf(tmp_path / f"few_{year}.nc")
    first, second = tmp_path / "autoencoder.safetensors", tmp_path / "generator.safetensors"
    autoencoder.train(config(first, data=str(tmp_path)))
    changes = {"kind": "denoiser", "space": str(first)}
    denoiser.train(config(second, data=str(tmp_path), **changes))
    ensemble = Generator.load(second).generate(members=1, date=19900301, n_steps=2)
    assert ensemble.names == ("sic", "sit")
    with pytest.raises(ConfigError, match="trained on other fields or another mask"):
        denoiser.train(config(tmp_path / "other.safetensors", **changes))


def test_autoencoder_then_denoiser_give_a_generator_that_works(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    first, second = tmp_path / "autoencoder.safetensors", tmp_path / "generator.safetensors"
    autoencoder.train(config(first))
    denoiser.train(config(second, kind="denoiser", space=str(first)))
    ensemble = Generator.load(second).generate(members=1, date=19910301, n_steps=2)
    assert ensemble.values.shape == (1, 5, 96, 96)
    training = read_checkpoint(second).manifest["training"]
    assert training["denoiser"]["steps"] == training["autoencoder"]["steps"] == 4
    assert training["denoiser"]["settings"]["batch"] == 2
    assert "validation_loss" in caplog.text
    assert not list(tmp_path.glob("*.training.*"))


@pytest.mark.parametrize(
    ("space", "evaluations", "figures"), [("pyramid", 2 + 1, 2), ("fields", 2, 1)]
)
def test_other_spaces_need_no_autoencoder(tmp_path, caplog, space, evaluations, figures):
    caplog.set_level(logging.INFO)
    output = tmp_path / "generator.safetensors"
    denoiser.train(config(output, kind="denoiser", space=space))
    generator = Generator.load(output)
    # of an untrained network only noise of the data's own spread makes plausible states
    request = Request(1, parse_date(19910301), n_steps=2, refine_steps=1, sigma_max=1.0)
    assert generator.nfe(request) == evaluations
    first, other = (generator.sample(replace(request, member=k)).state for k in (1, 2))
    assert not np.array_equal(first.values, other.values)
    last = caplog.text.splitlines()[-1]
    assert last.count("validation_loss") == figures


def test_more_eofs_than_days_are_refused(tmp_path):
    settings = config(tmp_path / "generator.safetensors", kind="denoiser", space="pyramid")
    settings.denoiser = DenoiserConfig(eofs=4000, channels=(8,), patch=1)
    with pytest.raises(ConfigError, match="eofs = 4000 .* give fewer"):
        denoiser.train(settings)


def test_the_gain_of_the_detail_is_set_at_the_end(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    output = tmp_path / "generator.safetensors"
    denoiser.train(config(output, kind="denoiser", space="pyramid", gain_states=3))
    checkpoint = read_checkpoint(output)
    gain = checkpoint.tensors["refiner.gain"][:, 0, 0]
    assert (gain[:5] != 1).all() and (gain[5:].reshape(5, 4) == gain[5::4, None]).all()
    assert "denoiser.gain" not in checkpoint.tensors
    assert checkpoint.manifest["training"]["gain"] == {"states": 3}
    assert caplog.text.count("gain for 2 x 2 cells and for one  sic ") == 2
    with pytest.raises(ValueError, match="gain_states = 3 is for a denoiser with space"):
        config(output, kind="denoiser", space="fields", gain_states=3)


def test_the_detail_is_noise_of_its_own(tmp_path):
    """What is drawn for one latent is not drawn again for another."""
    request = Request(1, parse_date(19910301))
    assert not np.array_equal(request.noise((1, 4, 4), 0), request.noise((1, 4, 4), 1))


def test_a_training_of_next_to_no_time_is_done_to_100_percent(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    autoencoder.train(config(tmp_path / "autoencoder.safetensors", minutes=1e-9))
    assert "step 1 " in caplog.text
    assert " 100 %" in caplog.text


def test_an_interrupted_training_resumes_to_the_same_weights(tmp_path, monkeypatch):
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    autoencoder.train(config(straight))

    advance = loop.Trainer.advance

    def interrupted(trainer):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            autoencoder.train(config(broken))
    with pytest.raises(ConfigError, match=r"learning_rate = 0.001, the namelist says 0.01"):
        autoencoder.train(config(broken, learning_rate=0.01))
    other = config(broken)
    other.autoencoder = AutoencoderConfig(channels=16, latent_blocks=1)
    with pytest.raises(ConfigError, match="channels = 8, the namelist says 16"):
        autoencoder.train(other)
    autoencoder.train(config(broken))
    first, second = (read_checkpoint(p).tensors for p in (straight, broken))
    for name, tensor in first.items():
        assert np.array_equal(tensor, second[name]), name
    rows, resumed = (curve_of(path) for path in (straight, broken))
    assert [row.pop("step") for row in rows] == ["2", "4"]
    for row, again in zip(rows, resumed, strict=True):
        del row["seconds"], again["seconds"], again["step"]
        assert row == again


def test_the_curve_has_a_row_for_each_saved_state(tmp_path):
    output = tmp_path / "autoencoder.safetensors"
    autoencoder.train(config(output))
    rows = curve_of(output)
    told = read_checkpoint(output).manifest["training"]["autoencoder"]
    assert list(rows[0])[:3] == ["step", "seconds", "loss"]
    assert [row["step"] for row in rows] == ["2", "4"]
    assert float(rows[-1]["rmse_sic"]) == pytest.approx(told["rmse_sic"], rel=1e-4)
    assert 0 < float(rows[0]["seconds"]) <= float(rows[1]["seconds"])
    assert rows[0]["loss"] != rows[1]["loss"]


def test_a_new_training_begins_a_new_curve_and_a_resumed_one_drops_later_rows(tmp_path):
    path = tmp_path / "x.curve.csv"
    curve = Curve(path)
    for step in (2, 4, 6):
        curve.add(step, 1.0, {"loss": step / 10})
    Curve(path, step=4).add(6, 2.0, {"loss": 0.7, "rmse": 1.0})
    assert path.read_text() == "step,seconds,loss,rmse\n2,1.0,0.2,\n4,1.0,0.4,\n6,2.0,0.7,1\n"
    Curve(path).add(2, 0.5, {"loss": 1.0})
    assert path.read_text() == "step,seconds,loss\n2,0.5,1\n"


def test_pictures_show_decoded_days_and_generated_states(tmp_path):
    first, second = tmp_path / "autoencoder.safetensors", tmp_path / "generator.safetensors"
    autoencoder.train(config(first, pictures=True, steps=1))
    denoiser.train(config(second, kind="denoiser", space=str(first), pictures=True, steps=1))
    for path in (first, second):
        image = matplotlib.image.imread(path.with_suffix(".png"))
        assert image.shape[0] > 500 and image.shape[1] > 1000
        assert len(np.unique(image.reshape(-1, image.shape[2]), axis=0)) > 50


def test_a_batch_that_processes_cannot_share_is_refused(tmp_path, monkeypatch):
    for name, told in {"is_initialized": True, "get_rank": 0, "get_world_size": 3}.items():
        monkeypatch.setattr(torch.distributed, name, lambda told=told: told)
    with pytest.raises(ConfigError, match="batch = 2 .* 3 processes .* take 3"):
        autoencoder.train(config(tmp_path / "autoencoder.safetensors"))


def test_a_training_that_was_stopped_behind_its_last_step_only_ends(tmp_path, monkeypatch):
    output = tmp_path / "autoencoder.safetensors"
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda path, missing_ok=False: None)
        autoencoder.train(config(output))
    before = curve_of(output), read_checkpoint(output).tensors
    assert output.with_suffix(".training.safetensors").is_file()
    autoencoder.train(config(output))
    assert curve_of(output) == before[0]
    for name, tensor in read_checkpoint(output).tensors.items():
        assert np.array_equal(tensor, before[1][name]), name
    assert not output.with_suffix(".training.safetensors").is_file()


def test_the_running_mean_forgets_half_of_what_it_was_in_a_half_life(tmp_path):
    network = torch.nn.Linear(1, 1)
    trainer = loop.Trainer(
        network, settings(tmp_path / "x.safetensors", batch=2, ema_halflife=40.0),
        AutoencoderConfig(), torch.device("cpu"), 10, loss=None, save=None, validate=None,
    )  # fmt: skip
    torch.nn.init.ones_(network.weight)
    trainer.average["weight"].zero_()
    trainer.step = 10_000
    for _ in range(20):  # of 2 samples each
        trainer.update_average()
    assert float(trainer.average["weight"]) == pytest.approx(0.5)


def test_a_step_without_a_finite_gradient_is_left_out_and_said(tmp_path, monkeypatch, caplog):
    loss, calls = Autoencoder.loss, []

    def broken_once(network, fields):
        calls.append(fields)
        value, figures = loss(network, fields)
        return (value * float("nan") if len(calls) == 2 else value), figures

    monkeypatch.setattr(Autoencoder, "loss", broken_once)
    autoencoder.train(config(tmp_path / "autoencoder.safetensors"))
    assert "step 1 left out" in caplog.text
    read_checkpoint(tmp_path / "autoencoder.safetensors", "autoencoder")  # refuses NaN
