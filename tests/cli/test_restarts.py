"""`generate` with output_format = 'cice': a restart for each member, checked, resumable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import netCDF4
import numpy as np
import pytest

from esm_coupler.generator.generator import Generator
from esm_coupler.testing import tiny_grid
from support.cice_template import template_values, write_cice
from support.cli import Outcome, esm_coupler

NAME = "iced.1990-03-01-00000.nc"
Values = dict[str, np.ndarray]


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return write_cice(tmp_path / "template.nc", template_values(tiny_grid()))


@pytest.fixture
def run(namelist: Path, template: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Generate restarts into the folder `out`, with more overrides."""

    def generate(*overrides: str) -> Outcome:
        sets = (
            f"template={template}", "output_format=cice", f"output={tmp_path}/out", *overrides
        )  # fmt: skip
        items = [item for text in sets for item in ("--set", f"ensemble_nml.{text}")]
        return esm_coupler("generate", namelist, *items)

    return generate


def read(path: Path, name: str) -> np.ndarray:
    with netCDF4.Dataset(path) as dataset:
        dataset.set_auto_mask(False)
        return np.array(dataset[name][:])


def test_each_member_is_a_restart_with_its_pointer(
    run: Callable, tmp_path: Path, checkpoint: Path
) -> None:
    done = run()
    assert done.status == 0, done.err
    for member in (1, 2, 3):
        folder = tmp_path / "out" / f"member_{member:04d}"
        restart = folder / NAME
        assert (folder / "ice.restart_file").read_text() == f"{restart}\n"
        assert esm_coupler("check", restart, "--kcatbound", "0").status == 0
        state = Generator.load(checkpoint, device="cpu").generate(
            [member], date="1990-03-01", n_steps=2
        )
        np.testing.assert_allclose(read(restart, "aicen").sum(axis=0), state["sic"][0], atol=1e-12)
        np.testing.assert_allclose(read(restart, "vicen").sum(axis=0), state["sit"][0], atol=1e-12)
        np.testing.assert_array_equal(read(restart, "uvel"), state["siu"][0])


def test_a_run_that_was_stopped_goes_on(run: Callable, tmp_path: Path) -> None:
    run("members=1")
    first = tmp_path / "out" / "member_0001" / NAME
    before = first.stat().st_mtime_ns
    done = run("members=2")
    assert done.out.splitlines()[0] == "member 1: made before"
    assert first.stat().st_mtime_ns == before


@pytest.mark.parametrize("harm", ["pointer", "restart"])
def test_a_half_made_member_is_made_again(run: Callable, tmp_path: Path, harm: str) -> None:
    run("members=1")
    folder = tmp_path / "out" / "member_0001"
    whole = (folder / NAME).read_bytes()
    if harm == "pointer":
        (folder / "ice.restart_file").unlink()
    else:
        with netCDF4.Dataset(folder / NAME, "r+") as dataset:
            dataset["aicen"][:] = -1.0
    assert run("members=1").status == 0
    assert (folder / NAME).read_bytes() == whole
    assert (folder / "ice.restart_file").exists()


def test_restarts_of_another_run_are_not_replaced_unasked(run: Callable, tmp_path: Path) -> None:
    run("members=1")
    restart = tmp_path / "out" / "member_0001" / NAME
    before = restart.read_bytes()
    assert "exists" in run("members=1", "seed=9").sentence()
    assert restart.read_bytes() == before
    assert run("members=1", "seed=9", "overwrite=.true.").status == 0
    assert restart.read_bytes() != before


def test_the_template_stays_as_it_is(run: Callable, template: Path) -> None:
    before = template.read_bytes()
    run("members=1")
    assert template.read_bytes() == before


def with_change(name: str, place: tuple, value: float) -> Callable[[Values], Values]:
    def change(values: Values) -> Values:
        values[name][place] = value
        return values

    return change


def without(name: str) -> Callable[[Values], Values]:
    return lambda values: {n: v for n, v in values.items() if n != name}


def with_four_categories(values: Values) -> Values:
    return values | {"vicen": values["vicen"][:4]}


def on_land(values: Values) -> Values:
    for array in values.values():
        if array.ndim == 3:
            array[:, 0, 0] = array[:, 4, 4]
    values["aicen"][0, 0, 0] = 0.5
    return values


BAD = {
    "another grid": (lambda _: template_values(tiny_grid((16, 16))), "16 x 16 cells"),
    "another coast": (lambda _: template_values(tiny_grid((16, 32)).with_mask(
        np.pad(np.ones((14, 30), bool), 1))), "coast elsewhere"),
    "categories": (with_four_categories, "'vicen' is float64 of shape (4, 16, 32)"),
    "layers": (without("qice003"), "2 of 'qice'"),
    "missing": (without("vsnon"), "no variable 'vsnon'"),
    "nan": (with_change("stress12_2", (4, 4), np.nan), "stress12_2 not finite"),
    "land": (on_land, "ice on land"),
    "area above one": (with_change("aicen", (slice(None), 4, 4), 0.3), "sum of aicen above 1"),
    "negative volume": (with_change("vicen", (0, 4, 4), -0.1), "vicen below zero"),
}  # fmt: skip


@pytest.mark.parametrize("make, said", BAD.values(), ids=BAD)
def test_a_bad_template_is_refused_and_nothing_is_written(
    run: Callable, template: Path, tmp_path: Path, make: Callable, said: str
) -> None:
    write_cice(template, make(template_values(tiny_grid())))
    assert said in run().sentence()
    assert not (tmp_path / "out").exists()


def test_a_template_of_another_date_is_refused(run: Callable, tmp_path: Path) -> None:
    assert "is of 1990-03-01" in run("date=19910301").sentence()
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"", b"CDF\x01" + 99 * b"\xff", None])
def test_a_template_that_cannot_be_read_is_refused(
    run: Callable, template: Path, tmp_path: Path, content: bytes | None
) -> None:
    template.write_bytes(template.read_bytes()[:5000] if content is None else content)
    assert "template.nc" in run().sentence()
    assert not (tmp_path / "out").exists()


def test_bounds_of_another_model_are_noticed(run: Callable, tmp_path: Path) -> None:
    assert "thickness outside its category" in run("kcatbound=2").sentence()
    assert not (tmp_path / "out").exists()


def test_restarts_need_a_template(namelist: Path) -> None:
    said = esm_coupler("generate", namelist, "--set", "ensemble_nml.output_format=cice").sentence()
    assert "template is missing" in said


def test_a_path_that_a_pointer_cannot_hold_is_refused(run: Callable, tmp_path: Path) -> None:
    deep = tmp_path / (100 * "x") / (100 * "y")
    deep.mkdir(parents=True)
    said = run(f"output={deep}/out").sentence()
    assert "more than the 256 bytes" in said
    assert not list(deep.rglob("*.nc"))


def test_a_folder_that_cannot_be_made_is_said(run: Callable, tmp_path: Path) -> None:
    assert "cannot make the folder" in run(f"output={tmp_path}/absent/out").sentence()
