"""A checkpoint that is not sound is refused in one sentence, whatever is wrong with it."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.config import parse_namelist
from esm_coupler.coupling.generator_engine import GeneratorEngine
from esm_coupler.coupling.maker import Maker
from esm_coupler.coupling.seating import Seat
from esm_coupler.errors import CheckpointError, DomainError, FieldError, Status
from esm_coupler.generator.checkpoint import read_checkpoint, write_checkpoint
from esm_coupler.generator.generator import Generator
from esm_coupler.testing import tiny_checkpoint
from support.cli import Outcome, esm_coupler


def generate(namelist: Path, checkpoint: Path) -> Outcome:
    return esm_coupler("generate", namelist, "--set", f"generator_nml.checkpoint={checkpoint}")


@pytest.fixture
def copy(checkpoint: Path, tmp_path: Path) -> Path:
    """A copy of the checkpoint to be damaged."""
    path = tmp_path / "copy.safetensors"
    path.write_bytes(checkpoint.read_bytes())
    return path


def rewrite(path: Path, manifest: dict | None = None, **tensors: np.ndarray) -> None:
    """Change the manifest and tensors of a checkpoint under a right hash."""
    read = read_checkpoint(path)
    write_checkpoint(path, {**read.manifest, **(manifest or {})}, {**read.tensors, **tensors})


def test_a_missing_checkpoint_is_named(namelist: Path) -> None:
    said = generate(namelist, Path("absent.safetensors")).sentence()
    assert "absent.safetensors" in said
    assert "ships with" in said


def test_a_folder_is_no_checkpoint(namelist: Path, tmp_path: Path) -> None:
    assert str(tmp_path) in generate(namelist, tmp_path).sentence()


@pytest.mark.parametrize("share", [0.0, 0.00005, 0.01, 0.5, 0.9999])
def test_a_truncated_checkpoint_is_refused(namelist: Path, copy: Path, share: float) -> None:
    content = copy.read_bytes()
    copy.write_bytes(content[: int(share * len(content))])
    assert "copy.safetensors" in generate(namelist, copy).sentence()


def test_any_flipped_bit_is_found(copy: Path) -> None:
    content = copy.read_bytes()
    header = int.from_bytes(content[:8], "little") + 8
    dice = random.Random(1)
    # The header is small and the most delicate: half of the flips go there.
    places = [dice.randrange(8 * header) for _ in range(200)] + [*range(64)]
    places += [dice.randrange(8 * header, 8 * len(content)) for _ in range(200)]
    for place in places:
        damaged = bytearray(content)
        damaged[place // 8] ^= 1 << place % 8
        copy.write_bytes(damaged)
        with pytest.raises(CheckpointError):
            read_checkpoint(copy)


def test_a_flipped_bit_is_said_in_one_sentence(namelist: Path, copy: Path) -> None:
    damaged = bytearray(copy.read_bytes())
    damaged[-1000] ^= 4
    copy.write_bytes(damaged)
    said = generate(namelist, copy).sentence()
    assert "damaged" in said
    assert "copy.safetensors" in said


class Malice:
    """A pickle that writes a file when it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return open, (str(self.path), "w")


def test_a_pickle_under_another_name_is_refused_and_not_run(namelist: Path, tmp_path: Path) -> None:
    disguised = tmp_path / "model.safetensors"
    disguised.write_bytes(pickle.dumps(Malice(tmp_path / "executed")))
    assert "model.safetensors" in generate(namelist, disguised).sentence()
    assert not (tmp_path / "executed").exists()


def test_a_file_of_torch_is_refused(namelist: Path, tmp_path: Path) -> None:
    import torch

    path = tmp_path / "model.safetensors"
    torch.save({"weight": torch.zeros(3)}, path)
    assert "model.safetensors" in generate(namelist, path).sentence()


def test_a_safetensors_file_of_somebody_else_is_refused(namelist: Path, tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    path = tmp_path / "model.safetensors"
    save_file({"weight": np.zeros(3)}, path)
    assert "not written by esm_coupler" in generate(namelist, path).sentence()


@pytest.mark.parametrize("kind", ["autoencoder", "training"])
def test_another_kind_is_named(namelist: Path, copy: Path, kind: str) -> None:
    rewrite(copy, {"kind": kind})
    said = generate(namelist, copy).sentence()
    assert f"'{kind}'" in said
    assert "'generator'" in said


def test_a_later_format_is_named(namelist: Path, copy: Path) -> None:
    rewrite(copy, {"format_version": 99})
    assert "99" in generate(namelist, copy).sentence()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_not_finite_are_refused(namelist: Path, copy: Path, value: float) -> None:
    name = "denoiser.network.enter.1.weight"
    weights = read_checkpoint(copy).tensors[name].copy()
    weights.flat[3] = value
    rewrite(copy, **{name: weights})
    said = generate(namelist, copy).sentence()
    assert name in said
    assert "not finite" in said


MANIFESTS = {
    "no architecture": {"architecture": {}},
    "other architecture": {
        "architecture": {"space": {"kind": "autoencoder", "latent_channels": 4}, "denoiser": {}}
    },
    "unknown part of the architecture": {"architecture": {"space": {"kind": "autoencoder", "colour": 4}}},
    "unknown field": {"fields": ["sic", "sit", "snt", "siu", "salinity"]},
    "fewer fields": {"fields": ["sic", "sit"]},
    "no fields": {"fields": None},
    "another grid": {"grid": {"mask_sha256": "0", "drift_location": "northeast"}},
    "no grid": {"grid": {}},
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS.keys())
def test_a_manifest_that_does_not_fit_its_weights_is_refused(copy: Path, manifest: dict) -> None:
    rewrite(copy, manifest)
    with pytest.raises(CheckpointError) as refused:
        Generator.load(copy)
    assert refused.value.status == Status.CHECKPOINT


def test_a_weight_of_another_shape_is_refused(copy: Path) -> None:
    rewrite(copy, **{"denoiser.network.enter.weight": np.zeros((2, 2), "f2")})
    with pytest.raises(CheckpointError, match=r"denoiser\.network\.enter\.weight"):
        Generator.load(copy)


def test_a_refused_checkpoint_leaves_no_output(namelist: Path, tmp_path: Path, copy: Path) -> None:
    copy.write_bytes(b"")
    generate(namelist, copy).sentence()
    assert {path.name for path in tmp_path.iterdir()} == {"run.nml", "copy.safetensors"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[GeneratorEngine]:
    """What a host talks to, with a checkpoint of two fields on 32 x 16 cells."""
    path = tiny_checkpoint(tmp_path / "two.safetensors", (16, 32), ("sic", "sit"))
    text = f"&generator_nml checkpoint = '{path}', device = 'cpu' /"
    config = parse_namelist(text, "run.nml")
    maker = Maker(Seat(0, 1, config), lambda: None)
    engine = GeneratorEngine(config, maker)
    yield engine
    engine.close()
    maker.close()


def test_a_field_that_the_checkpoint_lacks_is_named_with_those_that_it_has(
    engine: GeneratorEngine,
) -> None:
    engine.check_field("sit")
    with pytest.raises(FieldError, match="'snt'.* the checkpoint has sic, sit"):
        engine.check_field("snt")


def test_a_grid_that_the_checkpoint_lacks_is_named_with_its_own(engine: GeneratorEngine) -> None:
    engine.check_grid(32, 16)
    with pytest.raises(DomainError, match=r"16 x 32, that of checkpoint .* is 32 x 16"):
        engine.check_grid(16, 32)
