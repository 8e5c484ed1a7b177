"""Networks to and from checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ..errors import CheckpointError, DomainError
from ..fields import FIELDS
from ..grid import Grid
from .architecture import AutoencoderConfig, DenoiserConfig
from .autoencoder import Autoencoder
from .checkpoint import Checkpoint, write_checkpoint
from .data_space import DataSpace
from .denoiser import Denoiser
from .pyramid import Pyramid
from .space import Space

Loaded = TypeVar("Loaded")
LICENCE = "BSD-3-Clause"
# Names of the denoisers in a checkpoint, the coarsest latent first.
DENOISERS = ("denoiser", "refiner")
_GRID_ARRAYS = ("lat", "lon", "cell_area", "angle")


@dataclass(frozen=True, eq=False)
class Model:
    """All that a generator checkpoint holds, ready to run: one denoiser for each latent of the
    space, the coarsest first. `one_step`: they make a latent by one evaluation at the highest
    level, and know no other."""

    space: Space
    denoisers: tuple[Denoiser, ...]
    grid: Grid
    one_step: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return self.space.names


def save_autoencoder(
    path: Path, autoencoder: Autoencoder, grid: Grid, provenance: dict[str, Any]
) -> str:
    """Write a checkpoint of kind 'autoencoder'; returns its sha256."""
    manifest = _manifest("autoencoder", autoencoder, grid)
    manifest["training"] = {"autoencoder": provenance}
    return write_checkpoint(path, manifest, tensors_of(grid, space=autoencoder))


def save_model(path: Path, model: Model, provenance: dict[str, Any]) -> str:
    """Write a checkpoint of kind 'generator'; returns its sha256."""
    manifest = _manifest("generator", model.space, model.grid)
    denoisers = dict(zip(DENOISERS, model.denoisers, strict=False))
    manifest["architecture"] |= {name: asdict(d.config) for name, d in denoisers.items()}
    if model.one_step:
        manifest["architecture"]["one_step"] = True
    manifest["training"] = provenance
    return write_checkpoint(path, manifest, tensors_of(model.grid, space=model.space, **denoisers))


def make_space(architecture: dict[str, Any], names: tuple[str, ...], mask: Tensor) -> Space:
    """The space that a manifest describes, untrained."""
    sizes = dict(architecture)
    kind = sizes.pop("kind")
    if kind == "autoencoder":
        return Autoencoder(AutoencoderConfig(**sizes), names, mask)
    return {"fields": DataSpace, "pyramid": Pyramid}[kind](names, mask)


def make_denoisers(space: Space, configs: Sequence[DenoiserConfig]) -> tuple[Denoiser, ...]:
    """One untrained denoiser for each latent of the space."""
    stages = zip(configs, space.shapes, space.context_channels, strict=False)
    return tuple(Denoiser(*stage) for stage in stages)


def from_sound_manifest(load: Callable[[Checkpoint], Loaded]) -> Callable[[Checkpoint], Loaded]:
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


@from_sound_manifest
def load_space(checkpoint: Checkpoint) -> tuple[Space, Grid]:
    """The space and grid of a checkpoint of kind 'autoencoder' or 'generator'."""
    grid = load_grid(checkpoint)
    names, mask = tuple(checkpoint.manifest["fields"]), torch.from_numpy(grid.mask)
    space = make_space(checkpoint.manifest["architecture"]["space"], names, mask)
    load_weights(space, checkpoint, "space")
    _hold_to_manifest(checkpoint.manifest, space, grid)
    return space.eval(), grid


@from_sound_manifest
def load_model(checkpoint: Checkpoint) -> Model:
    """The networks and grid of a checkpoint of kind 'generator', in evaluation mode."""
    space, grid = load_space(checkpoint)
    sizes = checkpoint.manifest["architecture"]
    configs = [DenoiserConfig(**tuples(sizes[name])) for name in DENOISERS if name in sizes]
    if len(configs) != len(space.shapes):
        raise CheckpointError(
            f"the checkpoint has {len(configs)} denoisers for the {len(space.shapes)} latents of "
            "its space: train it again"
        )
    denoisers = make_denoisers(space, configs)
    for name, denoiser in zip(DENOISERS, denoisers, strict=False):
        load_weights(denoiser, checkpoint, name)
    one_step = bool(sizes.get("one_step", False))
    return Model(space, tuple(d.eval() for d in denoisers), grid, one_step)


def tuples(sizes: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples."""
    return {key: tuple(v) if isinstance(v, list) else v for key, v in sizes.items()}


@from_sound_manifest
def load_grid(checkpoint: Checkpoint) -> Grid:
    """The grid that a checkpoint carries."""
    arrays = checkpoint.group("grid")
    location = checkpoint.manifest["grid"]["drift_location"]
    grid = Grid(arrays["mask"].astype(bool), *(arrays[n] for n in _GRID_ARRAYS), location)
    if grid.mask_hash != checkpoint.manifest["grid"]["mask_sha256"]:
        raise CheckpointError("the checkpoint's mask does not match its manifest: train it again")
    return grid


def _manifest(kind: str, space: Space, grid: Grid) -> dict[str, Any]:
    fields = {
        name: {"units": FIELDS[name].units, "lower": _finite(FIELDS[name].lower),
               "upper": _finite(FIELDS[name].upper), "mean": float(mean), "std": float(std)}
        for name, mean, std in zip(
            space.names, space.mean.flatten(), space.std.flatten(), strict=True)
    }  # fmt: skip
    return {
        "kind": kind,
        "licence": LICENCE,
        "fields": list(fields),
        "normalisation": fields,
        "grid": {"shape": list(grid.shape), "mask_sha256": grid.mask_hash,
                 "drift_location": grid.drift_location},
        "architecture": {"space": _architecture(space)},
    }  # fmt: skip


def _architecture(space: Space) -> dict[str, Any]:
    if isinstance(space, Autoencoder):
        return {"kind": "autoencoder", **asdict(space.config)}
    return {"kind": "pyramid" if isinstance(space, Pyramid) else "fields"}


def _hold_to_manifest(manifest: dict[str, Any], space: Space, grid: Grid) -> None:
    """What the manifest says of fields, units, bounds and scales is what the tensors do."""
    told = _manifest(manifest["kind"], space, grid)
    for key in ("fields", "normalisation", "grid"):
        if manifest[key] != told[key]:
            raise CheckpointError(
                f"the checkpoint's manifest says {key} = {manifest[key]}, its tensors and this "
                f"esm_coupler say {told[key]}: train it again"
            )
    if not (space.std > 0).all():
        raise CheckpointError("the checkpoint scales a field by 0: train it again")


def _finite(bound: float) -> float | None:
    return bound if np.isfinite(bound) else None


def tensors_of(grid: Grid, **networks: nn.Module) -> dict[str, np.ndarray]:
    """Weights as float16 (half the file; the network computes in float32), and of the rest what
    loses nothing by it."""
    tensors = {f"grid.{name}": getattr(grid, name) for name in _GRID_ARRAYS}
    tensors["grid.mask"] = grid.mask.astype(np.uint8)
    for prefix, network in networks.items():
        weights = dict(network.named_parameters())
        for name, value in network.state_dict().items():
            array = value.detach().cpu().contiguous().numpy()
            with np.errstate(over="ignore"):
                half = array.astype("f2")
            exact = np.array_equal(half, array)
            tensors[f"{prefix}.{name}"] = half if name in weights or exact else array
    return tensors


def load_weights(network: nn.Module, checkpoint: Checkpoint, prefix: str) -> None:
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
