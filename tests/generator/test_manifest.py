"""A manifest that passes its hash is still held against the tensors that it describes."""

import copy

import pytest

from esm_coupler.errors import CheckpointError
from esm_coupler.generator.checkpoint import read_checkpoint, write_checkpoint
from esm_coupler.generator.generator import Generator
from esm_coupler.testing import tiny_checkpoint


def swap_fields(manifest):
    names = manifest["fields"]
    names[0], names[1] = names[1], names[0]


def name_a_field_twice(manifest):
    manifest["fields"][1] = manifest["fields"][0]


def change_a_unit(manifest):
    manifest["normalisation"]["sit"]["units"] = "km"


def change_a_bound(manifest):
    manifest["normalisation"]["sic"]["upper"] = 2.0


def change_a_scale(manifest):
    manifest["normalisation"]["sit"]["mean"] += 1.0


def move_the_drift(manifest):
    manifest["grid"]["drift_location"] = "somewhere"


@pytest.mark.parametrize(
    "change",
    [swap_fields, name_a_field_twice, change_a_unit, change_a_bound, change_a_scale,
     move_the_drift],
)  # fmt: skip
def test_a_manifest_that_describes_other_tensors_is_refused(tmp_path, change):
    sound = read_checkpoint(tiny_checkpoint(tmp_path / "tiny.safetensors"))
    manifest = copy.deepcopy(sound.manifest)
    change(manifest)
    write_checkpoint(tmp_path / "other.safetensors", manifest, sound.tensors)
    Generator.load(tmp_path / "tiny.safetensors")
    with pytest.raises(CheckpointError):
        Generator.load(tmp_path / "other.safetensors")


def test_weights_of_another_type_are_refused(tmp_path):
    sound = read_checkpoint(tiny_checkpoint(tmp_path / "tiny.safetensors"))
    name = next(name for name in sound.tensors if name.startswith("denoiser.network"))
    tensors = sound.tensors | {name: sound.tensors[name].astype("i4")}
    write_checkpoint(tmp_path / "other.safetensors", sound.manifest, tensors)
    with pytest.raises(CheckpointError, match=name):
        Generator.load(tmp_path / "other.safetensors")
