"""`esm-coupler forecast`: from a file of states and one of forcing to a CF file of members."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray

from esm_coupler.generator.emulator import Emulator, StepRequest
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_emulator, tiny_grid
from support.cice_template import template_values, write_cice
from support.cli import Outcome, esm_coupler
from support.weather import days_with_weather

GRID = tiny_grid()
NAMES = ("sic", "sit", "snt", "siu", "siv")


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_emulator(tmp_path_factory.mktemp("checkpoint") / "emulator.safetensors")


@pytest.fixture
def file(tmp_path: Path, emulator: Path) -> Path:
    """Two members, three days from 2 January 1990; states and forcing of 1 to 12 January."""
    days_with_weather(GRID, 1990).to_netcdf(tmp_path / "days.nc")
    made = tmp_path / "run.nml"
    made.write_text(
        f"&forecast_nml checkpoint = '{emulator}', initial = '{tmp_path}/days.nc',\n"
        f"  forcing = '{tmp_path}/days.nc', n_days = 3 /\n"
        f"&ensemble_nml members = 2, date = 19900102, output = '{tmp_path}/forecast.nc' /\n"
        "&generator_nml device = 'cpu' /\n"
    )
    return made


def run(file: Path, *overrides: str) -> Outcome:
    return esm_coupler("forecast", file, *(w for text in overrides for w in ("--set", text)))


def values(dataset: xarray.Dataset, member: int, time: int) -> np.ndarray:
    return np.stack([dataset[name].values[member, time] for name in NAMES])


def test_it_goes_on_from_a_day_of_a_forecast_to_the_same_bits(file: Path, tmp_path: Path) -> None:
    whole, first = tmp_path / "forecast.nc", tmp_path / "first.nc"
    assert run(file).status == 0
    assert run(file, "forecast_nml.n_days=2", f"ensemble_nml.output={first}").status == 0
    done = run(
        file, f"forecast_nml.initial={first}", "forecast_nml.n_days=2",
        "ensemble_nml.date=19900103", f"ensemble_nml.output={tmp_path}/second.nc",
    )  # fmt: skip
    assert done.status == 0, done.err
    both = [xarray.load_dataset(path) for path in (whole, tmp_path / "second.nc")]
    for member in (0, 1):
        for day in (0, 1, 2):
            assert np.array_equal(values(both[0], member, day + 1), values(both[1], member, day))
    late = run(
        file, f"forecast_nml.initial={first}", "ensemble_nml.date=19900106",
        f"ensemble_nml.output={tmp_path}/third.nc",
    )  # fmt: skip
    assert late.status == 1
    assert "has no state of 1990-01-06" in late.err and "1990-01-02 to 1990-01-04" in late.err


def test_members_are_what_the_emulator_makes_a_day_at_a_time(
    file: Path, emulator: Path, tmp_path: Path
) -> None:
    done = run(file)
    assert done.status == 0, done.err
    assert f"wrote {tmp_path}/forecast.nc: 2 members, 3 days from 1990-01-02" in done.out
    made, given = (xarray.load_dataset(tmp_path / n) for n in ("forecast.nc", "days.nc"))
    model = Emulator.load(emulator, device="cpu")
    for member in (1, 2):
        start = np.stack([given[name].values[1] for name in NAMES]).astype("f4").astype("f8")
        assert np.abs(values(made, member - 1, 0) - start).max() < 1e-6
        state = State(values(made, member - 1, 0), NAMES, GRID)
        for lead in range(3):
            ends = (
                np.stack([given[n].values[day] for n in ("tas", "uas", "vas")]).astype("f4")
                for day in (1 + lead, 2 + lead)
            )
            request = StepRequest(member, parse_date(19900102 + lead))
            state = model.step(state, *(end.astype("f8") for end in ends), request).state
            assert np.array_equal(values(made, member - 1, lead + 1), state.values)


def test_the_file_follows_cf_and_says_where_it_comes_from(
    file: Path, emulator: Path, tmp_path: Path
) -> None:
    assert run(file, "forecast_nml.conserve=.true.", "ensemble_nml.seed=7").status == 0
    made = xarray.load_dataset(tmp_path / "forecast.nc", decode_timedelta=False)
    assert made["sic"].dims == ("realization", "time", "y", "x")
    assert made["sit"].attrs["standard_name"] == "sea_ice_thickness"
    assert made["sit"].attrs["units"] == "m" and made["sit"].attrs["cell_methods"]
    assert [str(time)[:10] for time in made["time"].values] == [
        "1990-01-02", "1990-01-03", "1990-01-04", "1990-01-05"]  # fmt: skip
    assert made["lead"].attrs["standard_name"] == "forecast_period"
    assert made["lead"].values.tolist() == [0, 1, 2, 3] and made["lead"].attrs["units"] == "days"
    assert made["realization"].values.tolist() == [1, 2]
    assert {"lat", "lon", "mask", "cell_area"} <= set(made.variables)
    assert made["mask"].dims == ("y", "x")
    attributes = made.attrs
    assert attributes["emulator_sha256"] == Emulator.load(emulator).checkpoint_sha256
    assert (attributes["mode"], attributes["seed"]) == ("emulator", 7)
    assert attributes["conserve"] == "true" and "n_days = 3" in attributes["namelist"]
    assert attributes["initial"].endswith("days.nc")


@pytest.mark.parametrize("every", [1, 2])
def test_the_budget_of_the_file_closes(file: Path, tmp_path: Path, every: int) -> None:
    assert run(file, f"forecast_nml.output_every={every}").status == 0
    made = xarray.load_dataset(tmp_path / "forecast.nc", decode_timedelta=False)
    assert made["lead"].values.tolist() == list(range(0, 4, every)) + ([3] if every == 2 else [])
    for name, units in (("sic", "m2"), ("sit", "m3"), ("snt", "m3")):
        total = (made[name] * made.cell_area).sum(("y", "x"))
        parts = {p: made[f"{name}_{p}"] for p in ("change", "transport", "source", "mended")}
        assert all(part.attrs["units"] == units for part in parts.values())
        assert not parts["change"].values[:, 0].any()
        size = float(total.max())
        assert np.abs(total.diff("time") - parts["change"][:, 1:]).max() < 1e-12 * size
        rest = parts["change"] - parts["transport"] - parts["source"] - parts["mended"]
        assert np.abs(rest).max() < 1e-12 * size
        assert np.abs(parts["source"]).max() > 1e-4 * size


def test_a_member_is_the_same_in_any_company(file: Path, tmp_path: Path) -> None:
    assert run(file).status == 0
    alone = "ensemble_nml.members=1", "ensemble_nml.first_member=2"
    assert run(file, *alone, f"ensemble_nml.output={tmp_path}/alone.nc").status == 0
    both, one = (xarray.load_dataset(tmp_path / n) for n in ("forecast.nc", "alone.nc"))
    assert one["realization"].values.tolist() == [2]
    for name in NAMES:
        assert np.array_equal(one[name].values[0], both[name].values[1])


def test_members_go_on_from_those_of_an_ensemble(file: Path, tmp_path: Path) -> None:
    """What esm-coupler generate writes; member 3 starts again from the first of two."""
    day = xarray.load_dataset(tmp_path / "days.nc").isel(time=[1])
    ensemble = xarray.concat([day.isel(time=0), 0.5 * day.isel(time=0)], "realization")
    for name in ("lat", "lon", "mask", "cell_area", "angle"):
        ensemble[name] = day[name]
    ensemble.attrs = day.attrs
    ensemble["time"] = ((), 7306, {"units": "days since 1970-01-01"})
    ensemble.to_netcdf(tmp_path / "ensemble.nc")
    done = run(file, f"forecast_nml.initial={tmp_path}/ensemble.nc", "ensemble_nml.members=3")
    assert done.status == 0, done.err
    made = xarray.load_dataset(tmp_path / "forecast.nc")
    first, second, third = made["sit"].values[:, 0]
    assert np.abs(second - 0.5 * first).max() < 1e-5 and first.max() > 0.5
    assert np.array_equal(first, third)
    assert not np.array_equal(made["sit"].values[0, 1], made["sit"].values[2, 1])


def test_a_restart_may_be_the_start(file: Path, tmp_path: Path) -> None:
    restart = write_cice(tmp_path / "restart.nc", template_values(GRID))
    overrides = f"forecast_nml.initial={restart}", "ensemble_nml.date=19900301"
    forcing = days_with_weather(GRID, 1990)
    forcing["time"] = forcing["time"] + 58
    forcing["time"].attrs = {"units": "days since 1990-01-01", "calendar": "noleap"}
    forcing.to_netcdf(tmp_path / "march.nc")
    done = run(file, *overrides, f"forecast_nml.forcing={tmp_path}/march.nc")
    assert done.status == 0, done.err


def test_a_leap_day_that_the_forcing_lacks_is_as_the_day_before(
    file: Path, tmp_path: Path
) -> None:
    days = days_with_weather(GRID, 1992)
    days["time"] = days["time"] + 57
    days["time"].attrs = {"units": "days since 1992-01-01", "calendar": "noleap"}
    days.to_netcdf(tmp_path / "leap.nc")
    both = f"forecast_nml.initial={tmp_path}/leap.nc", f"forecast_nml.forcing={tmp_path}/leap.nc"
    done = run(file, *both, "ensemble_nml.date=19920227")
    assert done.status == 0, done.err
    times = xarray.load_dataset(tmp_path / "forecast.nc")["time"].values
    assert str(times[2])[:10] == "1992-02-29"


def test_output_may_be_named_on_the_command_line(file: Path, tmp_path: Path) -> None:
    done = esm_coupler("forecast", file, "--output", tmp_path / "other.nc")
    assert done.status == 0, done.err
    assert (tmp_path / "other.nc").is_file() and not (tmp_path / "forecast.nc").exists()


def changed(path: Path, change: Callable[[xarray.Dataset], xarray.Dataset]) -> Path:
    """A copy of days.nc that is not as it was."""
    made = xarray.load_dataset(path.with_name("days.nc"), decode_times=False)
    change(made).to_netcdf(path)
    return path


def with_nan(name: str) -> Callable[[xarray.Dataset], xarray.Dataset]:
    def change(made: xarray.Dataset) -> xarray.Dataset:
        made[name][2, 8, 8] = np.nan
        return made

    return change


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("forecast_nml.initial=''",), "initial is missing in &forecast_nml of run.nml: name"),
        (("forecast_nml.forcing=''",), "forcing is missing in &forecast_nml of run.nml: name"),
        (("forecast_nml.initial=absent.nc",), "absent.nc is no file: an analysis or a start is"),
        (("forecast_nml.forcing=absent.nc",), "absent.nc cannot be read as forcing (No such file"),
        (("forecast_nml.checkpoint=absent",), "checkpoint 'absent' is neither a file nor one that"),
        (("forecast_nml.checkpoint={generator}",), "of kind 'generator', needed is 'emulator'"),
        (("ensemble_nml.date=19900301",), "days.nc has no state of 1990-03-01, which date in"),
        (("ensemble_nml.date=19900230",), "19900230"),
        (("forecast_nml.n_days=11",), "days.nc has no forcing of 1990-01-13: it has 1990-01-01 to"),
        (("forecast_nml.n_days=0",), "n_days"),
        (("forecast_nml.forcing={gap}",), "gap.nc has no forcing of 1990-01-04: it has 1990-01-01"),
        (("forecast_nml.forcing={bare}",), "bare.nc has no 'uas': an emulator needs tas, uas, vas"),
        (("forecast_nml.forcing={hole}",), "'vas' is nan m s-1 on day 3 at i=9, j=9"),
        (("forecast_nml.initial={ill}", "ensemble_nml.date=19900103"), "sit"),
        (("forecast_nml.initial={small}",), "the checkpoint has 32 x 16"),
        (("forecast_nml.initial={calm}",), "the analysis has no 'siu': the checkpoint needs si"),
        (("ensemble_nml.output={there}",), "there.nc exists"),
        (("ensemble_nml.output=absent/out.nc",), "absent"),
        (("generator_nml.device=cuda",), "cuda"),
    ],
)  # fmt: skip
def test_what_cannot_go_forward_is_said_in_a_sentence(
    overrides: tuple[str, ...], words: str, file: Path, checkpoint: Path, tmp_path: Path
) -> None:
    import torch

    if "generator_nml.device=cuda" in overrides and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    there = tmp_path / "there.nc"
    there.write_text("something")
    days_with_weather(tiny_grid((16, 16)), 1990).to_netcdf(tmp_path / "small.nc")
    files = {
        "generator": checkpoint, "there": there, "small": tmp_path / "small.nc",
        "gap": changed(tmp_path / "gap.nc", lambda d: d.isel(time=[0, 1, 2, 4, 5])),
        "bare": changed(tmp_path / "bare.nc", lambda d: d.drop_vars("uas")),
        "hole": changed(tmp_path / "hole.nc", with_nan("vas")),
        "ill": changed(tmp_path / "ill.nc", with_nan("sit")),
        "calm": changed(tmp_path / "calm.nc", lambda d: d.drop_vars(["siu", "siv"])),
    }  # fmt: skip
    before = sorted(tmp_path.iterdir())
    assert words in run(file, *(text.format(**files) for text in overrides)).sentence()
    assert sorted(tmp_path.iterdir()) == before
    assert there.read_text() == "something"


def test_inspect_says_what_an_emulator_is(emulator: Path, tmp_path: Path) -> None:
    done = esm_coupler("inspect", emulator, "--grid", tmp_path / "grid.nc")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert told["kind"] == "emulator" and told["step_seconds"] == 86400
    assert told["fields"]["sit"] == "m" and told["forcing"]["tas"] == "K"
    assert told["architecture"]["emulator"]["channels"] == [8, 8, 8]
    assert told["sha256"] == Emulator.load(emulator).checkpoint_sha256
    assert told["numbers"] > 1000
    assert np.array_equal(xarray.load_dataset(tmp_path / "grid.nc")["mask"].values, GRID.mask)


@pytest.mark.parametrize(
    ("mode", "groups"),
    [
        ("forecast", ("forecast_nml", "ensemble_nml")),
        ("train-emulator", ("training_nml", "emulator_nml")),
    ],
)
def test_templates_of_the_emulator_are_valid(
    mode: str, groups: tuple[str, ...], tmp_path: Path
) -> None:
    done = esm_coupler("namelist", mode)
    assert done.status == 0, done.err
    assert all(f"&{group}\n" in done.out for group in groups)
    template = tmp_path / "template.nml"
    template.write_text(done.out)
    assert esm_coupler("validate", template).status == 0
