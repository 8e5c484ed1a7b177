"""An emulator's training: it learns, resumes to the bit, and its checkpoint steps."""

from __future__ import annotations

import datetime
import math
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import xarray
from support.acceptance import accepted
from support.weather import days_with_weather, icy_state, weather

from esm_coupler.config import TrainingConfig
from esm_coupler.errors import ConfigError, DataError, DomainError
from esm_coupler.generator.architecture import EmulatorConfig
from esm_coupler.generator.checkpoint import read_checkpoint
from esm_coupler.generator.emulator import Emulator, StepRequest
from esm_coupler.generator.step_network import StepNetwork
from esm_coupler.testing import tiny_emulator, tiny_grid
from esm_coupler.training import emulator, forecast_score, loop
from esm_coupler.training.drives import Drives, read_drives
from esm_coupler.training.emulator import forecast_length
from esm_coupler.training.forecast_score import GROWTH, Score, spread_misfit

GRID = tiny_grid()
N_DAYS = 12


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for year in (1990, 1991):
        days_with_weather(GRID, year).to_netcdf(folder / f"days_{year}.nc")
    return folder


def config(data: Path, output: Path, sizes: dict | None = None, **changes) -> SimpleNamespace:
    options = {
        "kind": "emulator", "data": str(data), "train_years": (1990,),
        "validation_years": (1991,), "output": str(output), "steps": 4, "batch": 2,
        "warmup_steps": 1, "checkpoint_every": 2, "device": "cpu", "threads": 1, "pictures": False,
    }  # fmt: skip
    small = {"channels": (8, 8, 8), "blocks": 1, "noise": 2, "memory": 3, "longest": 2}
    return SimpleNamespace(
        training=TrainingConfig(**options | changes),
        emulator=EmulatorConfig(**small | (sizes or {})),
    )


VARIANTS = [{}, {"noise": 0, "members": 1}, {"members": 3}, {"nfe": 2, "memory": 1}]


@pytest.mark.parametrize("sizes", VARIANTS, ids=str)
def test_what_is_trained_steps(data: Path, tmp_path: Path, sizes: dict) -> None:
    output = tmp_path / "emulator.safetensors"
    emulator.train(config(data, output, sizes))
    told = read_checkpoint(output, "emulator").manifest["training"]["emulator"]
    assert np.isfinite(told["score_day1"]) and np.isfinite(told["score_day5"])
    trained, (start, end) = Emulator.load(output, device="cpu"), weather(GRID, 2)
    assert trained.provenance(1)["nfe"] == sizes.get("nfe", 1)
    days = [
        trained.step(icy_state(GRID), start, end, StepRequest(k, datetime.date(1990, 1, 3)))
        for k in (1, 2)
    ]
    assert all(accepted(day.state) for day in days)
    same = np.array_equal(days[0].state.values, days[1].state.values)
    assert same == (sizes.get("noise") == 0)


def test_it_resumes_to_the_same_weights(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    straight, broken = tmp_path / "straight.safetensors", tmp_path / "broken.safetensors"
    emulator.train(config(data, straight))
    advance = loop.Trainer.advance

    def interrupted(trainer):
        if trainer.step == 3:
            raise KeyboardInterrupt
        return advance(trainer)

    with monkeypatch.context() as patch:
        patch.setattr(loop.Trainer, "advance", interrupted)
        with pytest.raises(KeyboardInterrupt):
            emulator.train(config(data, broken))
    emulator.train(config(data, broken))
    first, second = (read_checkpoint(path).tensors for path in (straight, broken))
    assert first.keys() == second.keys()
    assert all(np.array_equal(tensor, second[name]) for name, tensor in first.items())


def test_it_learns(data: Path, tmp_path: Path) -> None:
    scores = []
    for steps in (1, 60):
        output = tmp_path / f"after_{steps}.safetensors"
        emulator.train(
            config(data, output, steps=steps, learning_rate=5e-3, checkpoint_every=1000)
        )
        scores.append(read_checkpoint(output).manifest["training"]["emulator"]["score_day1"])
    assert scores[1] < 0.8 * scores[0]


def test_forecasts_get_longer_as_the_training_goes_on() -> None:
    shares = (0, 0.34, 0.36, 0.49, 0.51, 0.64, 0.66, 1)
    assert [forecast_length(share, 8) for share in shares] == [1, 1, 2, 2, 4, 4, 8, 8]
    assert [forecast_length(share, 1) for share in shares] == [1] * 8


def score() -> Score:
    network = StepNetwork(EmulatorConfig(channels=(8, 8, 8), blocks=1, noise=2), GRID)
    states = 0.1 * torch.randn(60, 5, *GRID.shape, generator=torch.Generator().manual_seed(5))
    forcing = torch.zeros(60, 3, *(size // 2 for size in GRID.shape))
    known = Drives(states, forcing, torch.arange(1, 361, 6), np.arange(59), 1)
    return Score(network, known)


DAY = torch.tensor([100])  # of the year


def test_members_that_are_right_score_nothing_and_others_more() -> None:
    torch.manual_seed(0)
    truth = torch.rand(2, 5, *GRID.shape)
    right = score()(truth.expand(2, -1, -1, -1, -1), truth, 1, DAY)
    assert abs(float(right)) < 1e-6
    assert float(score()(truth[None] + 0.1, truth, 1, DAY)) > 0.3
    # of four days for the three fields that go on from day to day, but not for the drift
    assert float(score()(truth[None] + 0.1, truth, 4, DAY)) == pytest.approx(
        float(score()(truth[None] + 0.1, truth, 1, DAY)) * (3 / 4**GROWTH + 2) / 5, rel=0.05
    )


def test_members_of_the_truths_own_distribution_score_best() -> None:
    torch.manual_seed(0)
    truth = torch.randn(40, 5, *GRID.shape)
    drawn = torch.randn(2, *truth.shape)
    best = float(score()(drawn, truth, 1, DAY))
    assert best < 0.97 * float(score()(0.5 * drawn, truth, 1, DAY))  # too sure
    assert best < 0.97 * float(score()(1.6 * drawn, truth, 1, DAY))  # too wide
    assert best < 0.97 * float(score()(drawn + 0.5, truth, 1, DAY))  # off
    smooth = 0.5 * (drawn + drawn.roll(1, -1))
    assert best < 0.98 * float(score()(smooth, truth, 1, DAY))


def test_the_spread_over_all_cells_is_to_be_the_error() -> None:
    torch.manual_seed(0)
    truth = torch.randn(40, 5, *GRID.shape)
    drawn, everywhere = torch.randn(2, *truth.shape), torch.ones(5, *GRID.shape)

    def misfit(members: torch.Tensor) -> float:
        return float(spread_misfit(members, truth, everywhere))

    assert 0 <= misfit(drawn) < 0.01
    for gain in (0.5, 2.0):
        # the error of the mean of two is of the truth, and half as much of the members
        ratio = 1.5 * gain**2 / (1 + gain**2 / 2)
        expected = (math.log(ratio) + 1 / ratio - 1) / 2
        assert misfit(gain * drawn) == pytest.approx(expected, rel=0.1)
    assert misfit(drawn[:1]) == 0


def test_the_score_has_the_spread_beside_the_crps(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    truth, members = torch.randn(4, 5, *GRID.shape), 0.2 * torch.randn(2, 4, 5, *GRID.shape)
    whole = float(score()(members, truth, 4, DAY))
    monkeypatch.setattr(forecast_score, "SPREAD_WEIGHT", 0.0)
    crps = float(score()(members, truth, 4, DAY))
    ocean = torch.from_numpy(GRID.mask).float().expand(5, -1, -1).clone()
    ocean[3:] = torch.from_numpy(GRID.drift_mask).float()
    misfit = float(spread_misfit(members, truth, ocean))
    assert misfit > 1
    assert whole - crps == pytest.approx(0.2 * misfit, rel=1e-3)


def test_land_is_no_part_of_the_score() -> None:
    truth = torch.rand(1, 5, *GRID.shape)
    land = ~torch.from_numpy(GRID.mask)
    spoilt = truth.masked_fill(land, 100.0)
    assert abs(float(score()(spoilt.expand(2, -1, -1, -1, -1), truth, 1, DAY))) < 1e-6


def test_one_file_may_hold_all_years(data: Path, tmp_path: Path) -> None:
    parts = [xarray.open_dataset(data / f"days_{y}.nc", decode_times=False) for y in (1990, 1991)]
    parts[1] = parts[1].assign_coords(time=parts[1].time + 365)
    still = ["lat", "lon", "mask", "cell_area", "angle"]
    both = xarray.concat([part.drop_vars(still) for part in parts], "time")
    both = both.merge(parts[0][still], combine_attrs="override")
    both["time"].attrs = {"units": "days since 1990-01-01", "calendar": "noleap"}
    both.attrs = parts[0].attrs
    both.to_netcdf(tmp_path / "all.nc")
    for year in (1990, 1991):
        _, one = read_drives(str(tmp_path / "all.nc"), (year,), 2)
        _, own = read_drives(str(data), (year,), 2)
        assert torch.equal(one.forcing, own.forcing) and torch.equal(one.states, own.states)
        assert np.array_equal(one.starts, np.arange(N_DAYS - 2))


def test_no_forecast_goes_on_over_a_gap(data: Path) -> None:
    _, drives = read_drives(str(data), (1990, 1991), 3)
    within = np.arange(N_DAYS - 3)
    assert np.array_equal(drives.starts, np.concatenate([within, N_DAYS + within]))


def test_a_training_goes_on_from_a_checkpoint(data: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    emulator.train(config(data, first))
    tiny = {"steps": 1, "learning_rate": 1e-12, "seed": 7}
    emulator.train(config(data, second, {"longest": 1}, start_from=str(first), **tiny))
    before, after = read_checkpoint(first), read_checkpoint(second)
    assert before.tensors.keys() == after.tensors.keys()
    for name, tensor in before.tensors.items():
        assert np.allclose(tensor, after.tensors[name], atol=1e-6), name
    told = after.manifest["training"]["emulator"]["started_from"]
    assert told["sha256"] == before.sha256
    assert told["training"] == before.manifest["training"]["emulator"]


def test_what_is_trained_has_had_the_single_days() -> None:
    shares = (0, 0.2, 0.3, 0.4, 0.5, 1)
    assert [forecast_length(share, 8, True) for share in shares] == [2, 2, 4, 4, 8, 8]


def test_weights_of_other_sizes_are_refused(data: Path, tmp_path: Path) -> None:
    first = tmp_path / "first.safetensors"
    emulator.train(config(data, first, steps=1))
    for sizes, words in (
        ({"noise": 4}, "has noise = 2, &emulator_nml says 4"),
        ({"channels": (8, 16, 8)}, r"has channels = \(8, 8, 8\), &emulator_nml says \(8, 16, 8\)"),
    ):
        with pytest.raises(ConfigError, match=words):
            emulator.train(config(data, tmp_path / "out.safetensors", sizes, start_from=str(first)))
    assert not (tmp_path / "out.safetensors").exists()


def test_weights_of_another_grid_are_refused(data: Path, tmp_path: Path) -> None:
    first = tiny_emulator(tmp_path / "first.safetensors", grid=tiny_grid((24, 16)))
    sizes = asdict(Emulator.load(first, device="cpu").network.config)
    with pytest.raises(ConfigError, match="is of another grid than the data"):
        emulator.train(config(data, tmp_path / "out.safetensors", sizes, start_from=str(first)))


def refused(data: Path, tmp_path: Path, words: str, error=ConfigError, **sizes) -> None:
    with pytest.raises(error, match=words):
        emulator.train(config(data, tmp_path / "out.safetensors", sizes))
    assert not (tmp_path / "out.safetensors").exists()


def test_data_without_forcing_are_refused(tmp_path: Path) -> None:
    days_with_weather(GRID, 1990).drop_vars("uas").to_netcdf(tmp_path / "days_1990.nc")
    refused(tmp_path, tmp_path, "days_1990.nc has no 'uas': an emulator needs", DataError)


def test_data_without_drift_are_refused(tmp_path: Path) -> None:
    days_with_weather(GRID, 1990).drop_vars(["siu", "siv"]).to_netcdf(tmp_path / "days_1990.nc")
    refused(tmp_path, tmp_path, "the data have sic, sit, snt; an emulator needs sic, sit, snt, siu")


def test_days_that_do_not_follow_each_other_are_refused(tmp_path: Path) -> None:
    days_with_weather(GRID, 1990).isel(time=slice(0, None, 2)).to_netcdf(tmp_path / "days_1990.nc")
    refused(tmp_path, tmp_path, "has no 3 days in a row in the years 1990: an emulator learns from")


def test_a_validation_of_too_few_days_is_refused(data: Path, tmp_path: Path) -> None:
    for year, n_days in ((1990, 12), (1991, 4)):
        days_with_weather(GRID, year, n_days).to_netcdf(tmp_path / f"days_{year}.nc")
    refused(tmp_path, tmp_path, "has no 6 days in a row in the years 1991")


def test_other_numbers_of_channels_are_refused(data: Path, tmp_path: Path) -> None:
    refused(data, tmp_path, "2 numbers of channels: give 3", DomainError, channels=(8, 8))
