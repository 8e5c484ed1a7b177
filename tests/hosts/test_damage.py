"""A restart of which bytes were changed is refused in a sentence, or is harmless."""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import OutputError, RestartError
from esm_coupler.hosts.restart_file import write_restart
from esm_coupler.hosts.restart_models import MODELS, read_any
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_grid
from support.cice_template import template_values, write_cice
from support.nextsim_template import nextsim_values, write_nextsim
from support.si3_template import si3_values, write_si3

GRID = tiny_grid((8, 10))
TIMES, LIMIT = 80, 20  # files, and the seconds that each may take
REFUSED = 3  # exit status
DATE = parse_date(19900301)
WRITERS: dict[str, Callable[[Path], Path]] = {
    "cice classic": lambda path: write_cice(path, template_values(GRID)),
    "cice netCDF-4": lambda path: write_cice(path, template_values(GRID), "NETCDF4"),
    "si3": lambda path: write_si3(path, si3_values(GRID)),
    "nextsim": lambda path: write_nextsim(path, nextsim_values(GRID)),
}


def some_state() -> State:
    ice = GRID.mask & (np.arange(10) < 7)
    values = [0.6 * ice, 0.9 * ice, 0.1 * ice, 0.0 * ice, 0.0 * ice]
    return State(np.stack(values), ("sic", "sit", "snt", "siu", "siv"), GRID)


def used(path: Path, out: Path) -> None:
    """What `generate` does with a template, on its way to a restart."""
    model, restart = read_any(path)
    if any(found.fatal for found in model.checks(restart, 0)):
        raise RestartError("found by a check")
    model.require(restart, GRID, DATE)
    write_restart(restart.file, out, model.with_state(restart, some_state(), 0), {})
    written = model.read(out)
    assert not any(found.fatal for found in model.checks(written, 0))


def tried(path: Path, out: Path) -> None:
    """In a process of its own, which a reader may crash or never come back from."""
    try:
        used(path, out)
    except (RestartError, OutputError) as error:
        assert "\n" not in str(error)
        assert not out.exists()
        raise SystemExit(REFUSED) from None


def is_refused(path: Path, out: Path, number: int) -> bool:
    """Whether a damaged file is; if not, it is harmless."""
    process = multiprocessing.get_context("fork").Process(target=tried, args=(path, out))
    process.start()
    process.join(LIMIT)
    if process.exitcode is None:
        process.kill()
        process.join()
        pytest.fail(f"damage {number} takes more than {LIMIT} s")
    assert process.exitcode in (0, REFUSED), f"damage {number}: status {process.exitcode}"
    return process.exitcode == REFUSED


def damaged(whole: bytes, dice: random.Random, number: int) -> bytes:
    """One to four bytes changed, every second time in the header; every eighth time cut short."""
    if number % 8 == 0:
        return whole[: dice.randrange(len(whole))]
    content = bytearray(whole)
    for _ in range(dice.choice([1, 1, 4])):
        content[dice.randrange(4000 if number % 2 else len(whole))] = dice.randrange(256)
    return bytes(content)


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_damage_is_refused_or_harmless(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    path, out = tmp_path / "restart.nc", tmp_path / "out.nc"
    whole = write(path).read_bytes()
    used(path, out)
    dice, refused = random.Random(3), 0
    for number in range(TIMES):
        path.write_bytes(damaged(whole, dice, number))
        out.unlink(missing_ok=True)
        refused += is_refused(path, out, number)
    assert refused >= TIMES // 8


def test_every_model_is_tried() -> None:
    assert {name.split()[0] for name in WRITERS} == set(MODELS)
