"""Checkpoints: one safetensors file with a JSON manifest, checked to the last bit.

The manifest says what the file is (kind, fields, grid, architecture, provenance, licence); the
hash covers manifest, names, shapes, types and bytes of all tensors. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import replace_file
from ..errors import CheckpointError

FORMAT_VERSION = 2
KINDS = ("autoencoder", "generator", "emulator", "training", "weights", "restart")
_REQUIRED = ("format_version", "kind")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What a file holds: manifest, tensors by name (numpy), and the hash of both."""

    manifest: dict[str, Any]
    tensors: dict[str, np.ndarray]
    sha256: str

    @property
    def kind(self) -> str:
        return self.manifest["kind"]

    def group(self, prefix: str) -> dict[str, np.ndarray]:
        """The tensors whose name starts with `prefix.`, without it."""
        start = prefix + "."
        return {k[len(start):]: v for k, v in self.tensors.items() if k.startswith(start)}


def is_shipped(name: str) -> bool:
    """Whether a checkpoint of this name ships with the package."""
    return _shipped(name).is_file()


def _shipped(name: str | Path) -> Path:
    return Path(__file__).parents[1] / "checkpoints" / f"{name}.safetensors"


def checkpoint_path(name_or_path: str | Path) -> Path:
    """The file of a checkpoint that ships with the package, or the path itself."""
    shipped = _shipped(name_or_path)
    path = shipped if shipped.is_file() else Path(name_or_path)
    if path.is_file():
        return path
    names = sorted(p.stem for p in shipped.parent.glob("*.safetensors")) or ["none"]
    raise CheckpointError(
        f"checkpoint '{name_or_path}' is neither a file nor one that ships with esm_coupler "
        f"({', '.join(names)}): check the path, which is relative to {Path.cwd()}"
    )


def write_checkpoint(path: Path, manifest: dict[str, Any], tensors: dict[str, np.ndarray]) -> str:
    """Write atomically; returns the sha256 that `read_checkpoint` will verify."""
    from safetensors.numpy import save

    text = json.dumps({"format_version": FORMAT_VERSION, **manifest}, sort_keys=True)
    tensors = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    digest = _digest(text, tensors)
    replace_file(path, save(tensors, metadata={"manifest": text, "sha256": digest}))
    return digest


def read_checkpoint(name_or_path: str | Path, kind: str | None = None) -> Checkpoint:
    """Read and verify; CheckpointError names what is wrong with the file.

    `kind`: what the caller needs ('autoencoder' or 'generator'); None takes any.
    """
    path = checkpoint_path(name_or_path)
    metadata, tensors = _read_safetensors(path)
    text = metadata.get("manifest", "")
    if not text or _digest(text, tensors) != metadata.get("sha256"):
        raise CheckpointError(
            f"{path}: its content does not match its sha256, the file is damaged or was not "
            "written by esm_coupler: copy or train it again"
        )
    manifest = json.loads(text)
    _check_manifest(path, manifest, kind)
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise CheckpointError(
                f"{path}: tensor '{name}' is not finite: the training that wrote it has failed, "
                "take an earlier checkpoint"
            )
    return Checkpoint(manifest, tensors, metadata["sha256"])


def _read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return file.metadata() or {}, {name: file.get_tensor(name) for name in file.keys()}
    # What the reader raises on a damaged file depends on where the damage is.
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError(
            f"{path} is not a readable safetensors file ({error}): it is truncated, damaged or "
            "of another format"
        ) from error


def _check_manifest(path: Path, manifest: dict[str, Any], kind: str | None) -> None:
    missing = [key for key in _REQUIRED if key not in manifest]
    if missing:
        raise CheckpointError(f"{path}: its manifest lacks {', '.join(missing)}")
    if manifest["format_version"] != FORMAT_VERSION:
        raise CheckpointError(
            f"{path} has format version {manifest['format_version']!r}, this esm_coupler reads "
            f"{FORMAT_VERSION}: use the esm_coupler that wrote it"
        )
    if kind is not None and manifest["kind"] != kind:
        raise CheckpointError(
            f"{path} is a checkpoint of kind '{manifest['kind']}', needed is '{kind}'"
        )


def _digest(manifest: str, tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256(manifest.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype.str}\0{tensor.shape}\0".encode())
        digest.update(tensor.tobytes())
    return digest.hexdigest()
