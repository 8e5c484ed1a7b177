"""The emulator's network to and from a checkpoint."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..fields import FIELDS, FORCINGS
from ..grid import Grid
from .architecture import EmulatorConfig
from .checkpoint import Checkpoint, write_checkpoint
from .model import LICENCE, from_sound_manifest, load_grid, load_weights, tensors_of, tuples
from .step_network import NAMES, STEP_SECONDS, StepNetwork


def save_emulator(
    path: Path, network: StepNetwork, grid: Grid, provenance: dict[str, Any]
) -> str:
    """Write a checkpoint of kind 'emulator'; returns its sha256."""
    manifest = {
        "kind": "emulator",
        "licence": LICENCE,
        "fields": {name: FIELDS[name].units for name in NAMES},
        "forcing": {name: field.units for name, field in FORCINGS.items()},
        "step_seconds": STEP_SECONDS,
        "grid": {"shape": list(grid.shape), "mask_sha256": grid.mask_hash,
                 "drift_location": grid.drift_location},
        "architecture": {"emulator": asdict(network.config)},
        "training": {"emulator": provenance},
    }  # fmt: skip
    return write_checkpoint(path, manifest, tensors_of(grid, emulator=network))


@from_sound_manifest
def load_emulator(checkpoint: Checkpoint) -> tuple[StepNetwork, Grid]:
    """The network, in evaluation mode, and the grid of a checkpoint of kind 'emulator'."""
    grid = load_grid(checkpoint)
    sizes = EmulatorConfig(**tuples(checkpoint.manifest["architecture"]["emulator"]))
    network = StepNetwork(sizes, grid)
    load_weights(network, checkpoint, "emulator")
    return network.eval(), grid
