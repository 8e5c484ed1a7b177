"""Both trainings, small and short, into a folder, the denoiser on a given autoencoder: run by
torchrun."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import esm_coupler
from esm_coupler.config import TrainingConfig
from esm_coupler.generator.architecture import AutoencoderConfig, DenoiserConfig
from esm_coupler.training import autoencoder, denoiser
from esm_coupler.training.ranks import joined

SAMPLE = Path(esm_coupler.__file__).parent / "data" / "sample"


def run(folder, given):
    for kind, train in (("autoencoder", autoencoder.train), ("denoiser", denoiser.train)):
        options = {
            "kind": kind, "data": str(SAMPLE), "train_years": (1990,), "validation_years": (1991,),
            "output": str(folder / f"{kind}.safetensors"), "steps": 4, "batch": 4,
            "warmup_steps": 1, "checkpoint_every": 1, "device": "cpu", "threads": 1,
            "pictures": False, "space": str(given),
        }  # fmt: skip
        train(
            SimpleNamespace(
                training=TrainingConfig(**options),
                autoencoder=AutoencoderConfig(channels=8, latent_blocks=1),
                denoiser=DenoiserConfig(
                    channels=(8, 8), blocks=1, embedding=8, dropout=0.3, spread_nodes=4
                ),
                refiner=None,
            )
        )


if __name__ == "__main__":
    with joined("cpu") as ranks:
        os.write(1, f"rank {ranks.rank} of {ranks.size}\n".encode())  # a line in one piece
        run(Path(sys.argv[1]), Path(sys.argv[2]))
