"""Networks to and from checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import nn

from ..errors import CheckpointError, DomainError
from ..fields import FIELDS
from ..grid import Grid
from .architecture import AutoencoderConfig, DenoiserConfig
from .autoencoder import Autoencoder
from .checkpoint import Checkpoint, write_checkpoint
from .data_space import DataSpace
from .denoiser import Denoiser

Loaded = TypeVar("Loaded")
LICENCE = "BSD-3-Clause"
_GRID_ARRAYS = ("lat", "lon", "cell_area", "angle")


@dataclass(frozen=True, eq=False)
class Model:
    """All that a generator checkpoint holds, ready to run."""

    autoencoder: Autoencoder | DataSpace
    denoiser: Denoiser
    grid: Grid

    @property
    def names(self) -> tuple[str, ...]:
        return self.autoencoder.names


def save_autoencoder(
    path: Path, autoencoder: Autoencoder, grid: Grid, provenance: dict[str, Any]
) -> str:
    """Write a checkpoint of kind 'autoencoder'; returns its sha256."""
    manifest = _manifest("autoencoder", autoencoder, grid)
    manifest["training"] = {"autoencoder": provenance}
    return write_checkpoint(path, manifest, _tensors(grid, autoencoder=autoencoder))


def save_model(path: Path, model: Model, provenance: dict[str, Any]) -> str:
    """Write a checkpoint of kind 'generator'; returns its sha256."""
    manifest = _manifest("generator", model.autoencoder, model.grid)
    manifest["architecture"]["denoiser"] = asdict(model.denoiser.config)
    manifest["training"] = provenance
    tensors = _tensors(model.grid, autoencoder=model.autoencoder, denoiser=model.denoiser)
    return write_checkpoint(path, manifest, tensors)


def _from_sound_manifest(load: Callable[[Checkpoint], Loaded]) -> Callable[[Checkpoint], Loaded]:
    """A file can pass its hash and yet come from another version: that is the file's fault."""

    @wraps(load)
    def checked(checkpoint: Checkpoint) -> Loaded:
        try:
            return load(checkpoint)
        except (KeyError, TypeError, ValueError, DomainError) as error:
            raise CheckpointError(
                f"the checkpoint's manifest is not understood ({type(error).__name__}: {error}): "
                "use the esm_coupler that wrote it, or train it again"
            ) from error

    return checked


@_from_sound_manifest
def load_autoencoder(checkpoint: Checkpoint) -> tuple[Autoencoder | DataSpace, Grid]:
    """The autoencoder and grid of a checkpoint of kind 'autoencoder' or 'generator'."""
    grid = load_grid(checkpoint)
    sizes = checkpoint.manifest["architecture"]["autoencoder"]
    names, mask = tuple(checkpoint.manifest["fields"]), torch.from_numpy(grid.mask)
    network: Autoencoder | DataSpace
    if sizes is None:
        network = DataSpace(names, mask)
    else:
        network = Autoencoder(AutoencoderConfig(**sizes), names, mask)
    _load(network, checkpoint, "autoencoder")
    _hold_to_manifest(checkpoint.manifest, network, grid)
    return network, grid


@_from_sound_manifest
def load_model(checkpoint: Checkpoint) -> Model:
    """The networks and grid of a checkpoint of kind 'generator', in evaluation mode."""
    autoencoder, grid = load_autoencoder(checkpoint)
    config = DenoiserConfig(**checkpoint.manifest["architecture"]["denoiser"])
    denoiser = Denoiser(config, autoencoder.latent_shape)
    _load(denoiser, checkpoint, "denoiser")
    return Model(autoencoder.eval(), denoiser.eval(), grid)


@_from_sound_manifest
def load_grid(checkpoint: Checkpoint) -> Grid:
    """The grid that a checkpoint carries."""
    arrays = checkpoint.group("grid")
    location = checkpoint.manifest["grid"]["drift_location"]
    grid = Grid(arrays["mask"].astype(bool), *(arrays[n] for n in _GRID_ARRAYS), location)
    if grid.mask_hash != checkpoint.manifest["grid"]["mask_sha256"]:
        raise CheckpointError("the checkpoint's mask does not match its manifest: train it again")
    return grid


def _manifest(kind: str, autoencoder: Autoencoder | DataSpace, grid: Grid) -> dict[str, Any]:
    fields = {
        name: {"units": FIELDS[name].units, "lower": _finite(FIELDS[name].lower),
               "upper": _finite(FIELDS[name].upper), "mean": float(mean), "std": float(std)}
        for name, mean, std in zip(
            autoencoder.names, autoencoder.normalisation.mean.flatten(),
            autoencoder.normalisation.std.flatten(), strict=True)
    }  # fmt: skip
    return {
        "kind": kind,
        "licence": LICENCE,
        "fields": list(fields),
        "normalisation": fields,
        "grid": {"shape": list(grid.shape), "mask_sha256": grid.mask_hash,
                 "drift_location": grid.drift_location},
        "architecture": {"autoencoder": autoencoder.config and asdict(autoencoder.config)},
    }  # fmt: skip


def _hold_to_manifest(
    manifest: dict[str, Any], autoencoder: Autoencoder | DataSpace, grid: Grid
) -> None:
    """What the manifest says of fields, units, bounds and scales is what the tensors do."""
    told = _manifest(manifest["kind"], autoencoder, grid)
    for key in ("fields", "normalisation", "grid"):
        if manifest[key] != told[key]:
            raise CheckpointError(
                f"the checkpoint's manifest says {key} = {manifest[key]}, its tensors and this "
                f"esm_coupler say {told[key]}: train it again"
            )
    if not (autoencoder.normalisation.std > 0).all():
        raise CheckpointError("the checkpoint scales a field by 0: train it again")


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def _tensors(grid: Grid, **networks: nn.Module) -> dict[str, np.ndarray]:
    """Weights as float16 (half the file; the network computes in float32), the rest as it is."""
    tensors = {f"grid.{name}": getattr(grid, name) for name in _GRID_ARRAYS}
    tensors["grid.mask"] = grid.mask.astype(np.uint8)
    for prefix, network in networks.items():
        weights = dict(network.named_parameters())
        for name, value in network.state_dict().items():
            array = value.detach().cpu().contiguous().numpy()
            tensors[f"{prefix}.{name}"] = array.astype("f2") if name in weights else array
    return tensors


def _load(network: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
    expected = network.state_dict()
    given = {k: torch.from_numpy(v) for k, v in checkpoint.group(prefix).items()}
    shapes = {k: tuple(v.shape) for k, v in expected.items()}
    differing = sorted(shapes.keys() ^ given.keys())
    if differing:
        raise CheckpointError(
            f"the checkpoint and its architecture differ in {prefix}.{differing[0]}"
        )
    for name, value in given.items():
        if tuple(value.shape) != shapes[name] or not value.is_floating_point():
            raise CheckpointError(
                f"tensor {prefix}.{name} is {value.dtype} of shape {tuple(value.shape)}, its "
                f"architecture says floating point of shape {shapes[name]}"
            )
    network.load_state_dict({k: v.to(expected[k].dtype) for k, v in given.items()})
