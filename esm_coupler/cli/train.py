"""`esm-coupler train`: any of the trainings, from a namelist."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..atomic import require_output
from ..errors import ConfigError
from .arguments import Namelist, Overrides
from .progress import training_log

if TYPE_CHECKING:
    from ..config import Config


def train(file: Namelist, sets: Overrides = []) -> None:  # noqa: B006 (typer reads it)
    """Train a network; a training that was stopped goes on.

    torchrun starts it on several GPUs, which share each batch.

    \b
    Example:
      esm-coupler train namelists/train_autoencoder.nml --set training_nml.minutes=5
      torchrun --nproc_per_node=4 -m esm_coupler.cli train namelists/train_denoiser.nml
    """
    from ..config import read_namelist

    config = read_namelist(file, sets)
    if config.training is None:
        raise ConfigError(
            f"{file} has no group &training_nml; 'esm-coupler namelist train-autoencoder' prints "
            "one"
        )
    _check_output(Path(config.training.output))
    from ..training.ranks import joined

    with joined(config.training.device) as ranks:
        with training_log() if ranks.is_first else _silence():
            _train(config)


def _train(config: Config) -> None:
    if config.training.kind == "autoencoder":
        from ..training.autoencoder import train
    elif config.training.kind == "denoiser":
        from ..training.denoiser import train
    elif config.training.kind == "one_step":
        from ..training.one_step import train
    else:
        from ..training.emulator import train
    train(config)


@contextmanager
def _silence() -> Iterator[None]:
    """The first of several processes speaks for all."""
    logging.disable()
    yield


def _check_output(output: Path) -> None:
    """A finished checkpoint is not trained over; one with a saved state beside it is resumed."""
    resumed = os.path.exists(output.with_suffix(".training.safetensors"))
    require_output(output, resumed, "remove it")
