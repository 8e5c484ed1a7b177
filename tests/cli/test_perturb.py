"""`generate` with mode = 'perturb': from a restart or a file of states to members around it."""

from __future__ import annotations

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray

from esm_coupler.testing import tiny_grid
from support.cice_template import template_values, write_cice
from support.cli import Outcome, esm_coupler
from support.nextsim_template import nextsim_values, write_nextsim
from support.si3_template import si3_values, write_si3

GRID = tiny_grid()
WRITE = {
    "cice": lambda path: write_cice(path, template_values(GRID)),
    "si3": lambda path: write_si3(path, si3_values(GRID)),
    "nextsim": lambda path: write_nextsim(path, nextsim_values(GRID)),
}
# a concentration and a drift of each
LOOK = {"cice": ("aicen", "uvel"), "si3": ("a_i", "u_ice"), "nextsim": ("data/cice", "data/u")}


def run(namelist: Path, *overrides: str) -> Outcome:
    sets = ("generator_nml.mode=perturb", "generator_nml.noise_level=0.02", *overrides)
    return esm_coupler("generate", namelist, *(w for text in sets for w in ("--set", text)))


def read(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        return np.array(dataset[name][:])


@pytest.fixture
def analysis(tmp_path: Path) -> Path:
    return WRITE["cice"](tmp_path / "analysis.nc")


@pytest.mark.parametrize("model", WRITE)
def test_restarts_lie_around_their_template(model: str, namelist: Path, tmp_path: Path) -> None:
    template = WRITE[model](tmp_path / "template.nc")
    done = run(
        namelist, f"ensemble_nml.template={template}", f"ensemble_nml.output_format={model}",
        f"ensemble_nml.output={tmp_path}/out", "ensemble_nml.members=2",
    )  # fmt: skip
    assert done.status == 0, done.err
    restarts = [next((tmp_path / "out" / f"member_000{k}").glob("*.nc")) for k in (1, 2)]
    for restart in restarts:
        assert esm_coupler("check", restart).status == 0
    for name in LOOK[model]:
        own = read(template, name)
        ocean = np.abs(own) < 1e30
        members = np.stack([read(restart, name) for restart in restarts])[:, ocean]
        assert not np.array_equal(members[0], members[1])
        assert np.abs(members - own[ocean]).mean() < 0.02
        assert np.abs(members - own[ocean]).max() < 0.5


def test_a_restart_may_be_the_analysis_of_a_netcdf_ensemble(
    namelist: Path, analysis: Path, tmp_path: Path
) -> None:
    done = run(namelist, f"ensemble_nml.analysis={analysis}")
    assert done.status == 0, done.err
    ensemble = xarray.load_dataset(tmp_path / "ensemble.nc")
    own = read(analysis, "aicen").sum(axis=0)
    assert np.abs(ensemble.sic.values - own).mean() < 0.02
    assert ensemble.attrs["mode"] == "perturb" and ensemble.attrs["noise_level"] == 0.02


def test_a_file_of_states_may_be_the_analysis(namelist: Path, tmp_path: Path) -> None:
    states = tmp_path / "states.nc"
    file = GRID.to_dataset()
    ice = GRID.mask & (np.arange(16) > 8)[:, None]
    for name, value in (("sic", 0.5), ("sit", 1.0), ("snt", 0.1), ("siu", 0.1), ("siv", 0.0)):
        where = GRID.drift_mask & ice if name in ("siu", "siv") else ice
        day = np.where(where, value, 0.0)
        units = "m s-1" if name.startswith("siu") or name == "siv" else "m"
        file[name] = ("time", "y", "x"), np.stack([0.5 * day, day]), {
            "units": "1" if name == "sic" else units}  # fmt: skip
    file["time"] = "time", np.array([7363, 7364]), {"units": "days since 1970-01-01"}  # 1 March
    file.to_netcdf(states)
    done = run(namelist, f"ensemble_nml.analysis={states}")
    assert done.status == 0, done.err
    sic = xarray.load_dataset(tmp_path / "ensemble.nc").sic.values
    assert np.abs(sic[:, ice].mean() - 0.5) < 0.05 and np.abs(sic[:, ~ice]).mean() < 0.02
    late = "ensemble_nml.date=19900305", f"ensemble_nml.output={tmp_path}/late.nc"
    said = run(namelist, f"ensemble_nml.analysis={states}", *late).sentence()
    assert "has no state of 1990-03-05, which date in &ensemble_nml asks for" in said


def test_an_ensemble_of_ours_may_be_the_analysis(namelist: Path, tmp_path: Path) -> None:
    one = tmp_path / "one.nc"
    assert esm_coupler("generate", namelist, "--output", one).status == 0
    done = run(namelist, f"ensemble_nml.analysis={one}")
    assert done.status == 0, done.err
    first = xarray.load_dataset(one).sic.values[0]
    around = xarray.load_dataset(tmp_path / "ensemble.nc").sic.values
    assert 0 < np.abs(around - first).mean() < 0.02
    late = "ensemble_nml.date=19900305", f"ensemble_nml.output={tmp_path}/late.nc"
    said = run(namelist, f"ensemble_nml.analysis={one}", *late).sentence()
    assert "has no state of 1990-03-05" in said


def test_it_goes_on_where_it_was_stopped(namelist: Path, analysis: Path, tmp_path: Path) -> None:
    output = tmp_path / "ensemble.nc"
    assert run(namelist, f"ensemble_nml.analysis={analysis}").status == 0
    whole = output.read_bytes()
    output.unlink()
    few = f"ensemble_nml.analysis={analysis}", "ensemble_nml.members=1"
    assert run(namelist, *few).status == 0
    output.unlink()
    assert run(namelist, f"ensemble_nml.analysis={analysis}").status == 0
    assert np.array_equal(
        xarray.load_dataset(output).sic.values, _sic(whole, tmp_path / "copy.nc")
    )


def test_several_processes_are_refused(namelist: Path, analysis: Path) -> None:
    sets = "generator_nml.mode=perturb", "generator_nml.noise_level=0.1"
    words = [word for text in sets for word in ("--set", text)]
    said = esm_coupler("generate", namelist, *words, "--processes", "2").sentence()
    assert "--processes is 2: mode = 'perturb' is run by one process" in said


def _sic(content: bytes, path: Path) -> np.ndarray:
    path.write_bytes(content)
    return xarray.load_dataset(path).sic.values


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ((), "mode = 'perturb' in &generator_nml has no analysis"),
        (("ensemble_nml.analysis=absent.nc",), "absent.nc is no file: an analysis or a start is"),
        (("ensemble_nml.analysis={analysis}", "ensemble_nml.date=19900302"), "is of 1990-03-01"),
        (("ensemble_nml.analysis={small}",), "the checkpoint"),
        (("ensemble_nml.analysis={text}",), "text.nc"),
        (("ensemble_nml.analysis={nan}",), "field 'sic' is nan at i=9, j=9"),
        (("generator_nml.noise_level=0",), "mode = 'perturb' has no level"),
        (("generator_nml.varied_scale=500",), "noise_level and varied_scale are given"),
        (("generator_nml.target_spread=0.1",), "target_spread has 1 values"),
        (("generator_nml.mode=unconditional",), "noise_level is given; it needs mode = 'perturb'"),
    ],
)
def test_what_cannot_be_perturbed_is_said_in_a_sentence(
    overrides: tuple[str, ...], words: str, namelist: Path, analysis: Path, tmp_path: Path
) -> None:
    files = {"analysis": analysis, "text": tmp_path / "text.nc", "nan": tmp_path / "nan.nc"}
    files["text"].write_text("no file of states")
    files["small"] = write_cice(tmp_path / "small.nc", template_values(tiny_grid((16, 16))))
    broken = template_values(GRID)
    broken["aicen"][0, 8, 8] = np.nan
    write_cice(files["nan"], broken)
    done = run(namelist, *(text.format(**files) for text in overrides))
    assert words in done.sentence()
    assert not (tmp_path / "ensemble.nc").exists()
