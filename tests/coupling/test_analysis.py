"""What the engine takes for an analysis of the fields that a host has bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler.config import parse_namelist
from esm_coupler.coupling.generator_engine import GeneratorEngine
from esm_coupler.coupling.maker import Maker
from esm_coupler.coupling.seating import Seat
from esm_coupler.coupling.settings import Settings
from esm_coupler.errors import DomainError, FieldError, InvalidValueError
from esm_coupler.generator.generator import Generator
from esm_coupler.testing import tiny_checkpoint, tiny_grid

NAMES = ("sic", "sit", "snt", "siu", "siv")
DATE = 19900301
GRID = tiny_grid()


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@pytest.fixture(scope="module")
def values(checkpoint: Path) -> np.ndarray:
    return Generator.load(checkpoint, device="cpu").generate(1, date=DATE, n_steps=2).values[0]


@pytest.fixture
def engine(checkpoint: Path) -> GeneratorEngine:
    text = (
        f"&generator_nml checkpoint = '{checkpoint}', device = 'cpu', n_steps = 2,\n"
        "mode = 'perturb', noise_level = 0.1 /\n"
    )
    config = parse_namelist(text, "host.nml")
    maker = Maker(Seat(0, 1, config), lambda: None)
    engine = GeneratorEngine(config, maker)
    yield engine
    engine.close()
    maker.close()


def test_the_host_is_read_for_an_analysis_only(engine: GeneratorEngine) -> None:
    assert engine.provenance()["mode"] == "perturb"
    assert Settings.of(engine._config, engine).reads_on_generate
    plain = parse_namelist("&generator_nml /\n", "host.nml")
    assert not Settings.of(plain, engine).reads_on_generate


def test_a_host_on_another_grid_is_not_sent_to_weights_which_would_be_refused(
    engine: GeneratorEngine,
) -> None:
    with pytest.raises(DomainError) as refused:
        engine.check_grid(GRID.shape[1] + 2, GRID.shape[0])
    said = str(refused.value)
    assert "use a checkpoint that was trained on the host's grid; weights do not help" in said
    assert "esm-coupler weights" not in said


def test_land_may_hold_anything_once_its_mask_is_known(
    engine: GeneratorEngine, values: np.ndarray
) -> None:
    engine.take_mask(GRID.mask, np.ones(GRID.shape, dtype=bool))
    clean = engine.generate(NAMES, values, 1, DATE).values
    dirty = np.where(GRID.mask, values, np.nan)
    assert np.array_equal(engine.generate(NAMES, dirty, 1, DATE).values, clean)


def test_without_a_mask_ice_on_land_is_an_ocean_that_is_not_known(
    engine: GeneratorEngine, values: np.ndarray
) -> None:
    wrong = values.copy()
    wrong[0, 0, 4] = 0.5
    with pytest.raises(InvalidValueError, match="'sic' = 0.5 on land at i=5, j=1"):
        engine.generate(NAMES, wrong, 1, DATE)


def test_an_ocean_that_the_checkpoint_does_not_have_keeps_its_ice(
    engine: GeneratorEngine, values: np.ndarray
) -> None:
    bay = np.zeros(GRID.shape, dtype=bool)
    bay[0, 5:8] = True  # of the host alone
    strait = np.zeros(GRID.shape, dtype=bool)
    strait[1, 20:23] = True  # of the checkpoint alone
    engine.take_mask((GRID.mask | bay) & ~strait, np.ones(GRID.shape, dtype=bool))
    given = values.copy()
    given[0][bay], given[1][bay] = 0.7, 0.9
    given[:, strait] = np.nan
    made = engine.generate(NAMES, given, 1, DATE).values
    assert (made[0][bay] == 0.7).all() and (made[1][bay] == 0.9).all()
    assert not made[:, strait].any()


def test_all_fields_are_needed(engine: GeneratorEngine, values: np.ndarray) -> None:
    with pytest.raises(FieldError, match="the analysis has no 'snt'.*a host binds them all"):
        engine.generate(NAMES[:2], values[:2], 1, DATE)
