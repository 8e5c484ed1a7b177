"""`esm-coupler train`: any of the trainings, from a namelist."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

from ..atomic import require_output
from ..errors import ConfigError
from .arguments import Namelist, Overrides


def train(file: Namelist, sets: Overrides = []) -> None:  # noqa: B006 (typer reads it)
    """Train an autoencoder or a denoiser; a training that was stopped goes on.

    \b
    Example:
      esm-coupler train namelists/train_autoencoder.nml --set training_nml.minutes=5
    """
    from ..config import read_namelist

    config = read_namelist(file, sets)
    if config.training is None:
        raise ConfigError(
            f"{file} has no group &training_nml; 'esm-coupler namelist train-autoencoder' prints "
            "one"
        )
    _check_output(Path(config.training.output))
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
    if config.training.kind == "autoencoder":
        from ..training import autoencoder

        autoencoder.train(config)
    else:
        from ..training import denoiser

        denoiser.train(config)


def _check_output(output: Path) -> None:
    """A finished checkpoint is not trained over; one with a saved state beside it is resumed."""
    resumed = os.path.exists(output.with_suffix(".training.safetensors"))
    require_output(output, resumed, "remove it")
