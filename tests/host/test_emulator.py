"""The reference host in three ways: physics, an emulator in its place, and one that corrects it."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest
import xarray
from support.mpi import mpirun

from esm_coupler.fields import FORCINGS
from esm_coupler.generator.checkpoint import is_shipped
from esm_coupler.generator.emulator import Emulator
from esm_coupler.generator.generator import Generator, Request
from esm_coupler.modes.forecast import forecast
from esm_coupler.testing import tiny_emulator

from .run import ROOT, Host, Run
from .tiny_model import SHAPE, namelist

DAY = datetime.date(1990, 3, 1)
NAMES = ("sic", "sit", "snt", "siu", "siv")
COARSE = (SHAPE[0] // 2, SHAPE[1] // 2)


def write_forcing(path: Path, shape: tuple[int, int], days: int = 6, repeat: int = 1) -> np.ndarray:
    """A file of packed days from 27 February 1990, cells of which are written `repeat` times along
    each side; gives the values (day, 3, y, x) from DAY on."""
    rng = np.random.default_rng(1)
    fields = {}
    for (name, field), centre in zip(FORCINGS.items(), (255.0, 3.0, -2.0), strict=True):
        coarse = centre + 5 * rng.random((days, *shape))
        values = coarse.repeat(repeat, axis=1).repeat(repeat, axis=2)
        fields[name] = (("time", "y", "x"), values, {"units": field.units})
    time = ("time", np.arange(2, days + 2), {"units": "days since 1990-02-25"})
    packed = {"dtype": "i2", "scale_factor": 0.01, "add_offset": 200.0, "_FillValue": None}
    packed = {name: packed | {"add_offset": 255.0 if name == "tas" else 0.0} for name in fields}
    xarray.Dataset(fields, {"time": time}).to_netcdf(path, encoding=packed)
    read = xarray.open_dataset(path)
    return np.stack([read[name].values[2:] for name in FORCINGS], 1).astype("f8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An emulator, and the same forcing on the grid and on cells of twice the width."""
    folder = tmp_path_factory.mktemp("emulator")
    tiny_emulator(folder / "emulator.safetensors", SHAPE)
    write_forcing(folder / "coarse.nc", COARSE)
    return folder


@pytest.fixture(scope="module")
def forcing(folder: Path) -> np.ndarray:
    return write_forcing(folder / "forcing.nc", COARSE, repeat=2)


def text(host: Host, folder: Path, **settings: object) -> str:
    given = {
        "mode": "'emulator'", "forcing_file": f"'{folder}/forcing.nc'", "dt": 86400.0, "n_days": 2,
        "members": 1, **settings,
    }  # fmt: skip
    return namelist(host.model, **given) + (
        "&coupler_nml step_mode = 'emulate' /\n"
        f"&forecast_nml checkpoint = '{folder}/emulator.safetensors' /\n"
    )


def state(run: Run, suffix: str = "") -> np.ndarray:
    """(realization, field, y, x)."""
    assert run.status == 0, run.stdout + run.stderr
    return np.stack([run.ensemble[name + suffix].values for name in NAMES], 1)


@pytest.fixture(scope="module")
def emulated(host: Host, folder: Path, forcing: np.ndarray) -> Run:
    return host.run_text(text(host, folder, members=2), ranks=2)


def test_members_have_the_bits_of_python(
    emulated: Run, host: Host, folder: Path, forcing: np.ndarray
) -> None:
    generator = Generator.load(host.model / "tiny.safetensors", device="cpu")
    requests = [Request(k, DAY, seed=1, n_steps=3) for k in (1, 2)]
    begun = [generator.sample(request).state for request in requests]
    emulator = Emulator.load(folder / "emulator.safetensors", device="cpu")
    days = forecast(emulator, begun, forcing[:3], DAY, [1, 2])
    wanted = np.stack([step.state.values for step in days[-1]])
    np.testing.assert_array_equal(state(emulated), wanted)
    assert [(c.name, c.date) for c in emulated.calls[:2]] == [
        ("generate", 19900301), ("step", 19900303),
    ]  # fmt: skip
    assert all(call.after == 0 for call in emulated.calls)
    assert emulated.residuals == [], "there is no physics whose books could be kept"


def test_ranks_blocks_and_cells_of_the_forcing_do_not_matter(
    emulated: Run, host: Host, folder: Path
) -> None:
    settings = {"members": 2, "block_nx": 11, "block_ny": 4}
    run = host.run_text(text(host, folder, forcing_file=f"'{folder}/coarse.nc'", **settings), 3)
    np.testing.assert_array_equal(state(run), state(emulated))


def test_a_run_goes_on_from_a_restart_with_the_same_bits(
    emulated: Run, host: Host, folder: Path
) -> None:
    first = host.run_text(text(host, folder, n_days=1, restart_out="'coupler.restart'"), ranks=2)
    assert first.status == 0, first.stdout
    going_on = {
        "n_days": 1, "date": 19900302, "restart_in": f"'{first.folder}/coupler.restart'",
        "analysis_file": f"'{first.folder}/ensemble.nc'",
    }  # fmt: skip
    second = host.run_text(text(host, folder, **going_on), ranks=1)
    np.testing.assert_array_equal(state(second)[0], state(emulated)[0])


def test_a_correction_is_a_weighted_mean_of_physics_and_emulator(host: Host, folder: Path) -> None:
    physics = host.run(n_days=1, members=1)
    corrected = {"mode": "'corrected'", "dt": 21600.0, "n_days": 1}
    ends = {
        weight: state(host.run_text(text(host, folder, **corrected, correction_weight=weight)))
        for weight in (0.0, 0.3, 1.0)
    }
    emulator = host.run_text(text(host, folder, n_days=1), ranks=2)
    np.testing.assert_array_equal(ends[0.0], state(physics))
    np.testing.assert_array_equal(ends[1.0], state(emulator))
    np.testing.assert_array_equal(ends[0.3], (1 - 0.3) * ends[0.0] + 0.3 * ends[1.0])
    assert not np.array_equal(ends[0.0], ends[1.0])


def test_a_correction_comes_every_so_many_hours(host: Host, folder: Path) -> None:
    settings = {"mode": "'corrected'", "dt": 21600.0, "correct_every": 48, "n_days": 3}
    plain = text(host, folder, **settings)
    run = host.run_text(plain.replace("'emulate'", "'emulate', log_file = 'states.log'"), ranks=2)
    log = (run.folder / "states.log").read_text()
    assert log.count("step date") == 1
    assert "step date 19900301 seconds 172800.0" in log
    assert run.calls[-1].after == 0


@pytest.mark.skipif(not is_shipped("emulator"), reason="no emulator ships with the package yet")
def test_the_worked_example_runs(host: Host, tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "esm_coupler").symlink_to(ROOT / "esm_coupler")
    Generator.load("default").grid.to_netcdf(tmp_path / "demo" / "grid.nc")
    example = (ROOT / "namelists" / "emulator.nml").read_text()
    (tmp_path / "host.nml").write_text(example.replace("n_days = 10", "n_days = 2"))
    done = mpirun(2, host.program, "host.nml", cwd=tmp_path, timeout=300)
    run = Run(tmp_path, done.returncode, done.stdout, done.stderr)
    assert run.status == 0, run.stdout + run.stderr
    assert [call.after for call in run.calls] == [0, 0, 0, 0]
    assert (tmp_path / "demo" / "coupler.restart").is_file()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mode": "'emulated'"}, "mode must be physics, emulator or corrected, not emulated"),
        ({"correction_weight": 1.5}, "correction_weight from 0 to 1"),
        ({"mode": "'corrected'", "correct_every": 30}, "correct_every must be whole steps of dt"),
        ({"n_days": 7}, "the days of"),
        ({"dt": 21600.0}, "seconds is 21600: the emulator steps by 86400 s"),
        ({"mode": "'physics'"}, "step needs the forcing 'tas', which is not bound"),
        ({"restart_in": "'nothing'"}, "the restart 'nothing' is no file"),
    ],
)
def test_what_cannot_be_is_said(
    host: Host, folder: Path, settings: dict[str, object], words: str
) -> None:
    run = host.run_text(text(host, folder, **settings))
    assert run.status != 0
    assert words in run.stdout + run.stderr
