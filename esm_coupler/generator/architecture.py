"""Sizes of the networks, free of torch, so that namelists can be checked without it.

Each option says in its metadata what it is and from where to where it may go.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


def _option(
    description: str, default: Any, low: float, high: float, multiple_of: int | None = None
) -> Any:
    metadata = {"description": description, "ge": low, "le": high, "multiple_of": multiple_of}
    return field(default=default, metadata=metadata)


def _choice(description: str, default: str) -> Any:
    return field(default=default, metadata={"description": description})


@dataclass(frozen=True)
class AutoencoderConfig:
    """The autoencoder: sizes of the network and weight of its prior."""

    latent_channels: int = _option("channels of the latent", 8, 1, 256)
    channels: int = _option("channels at half the grid's resolution", 64, 8, 1024, 8)
    latent_blocks: int = _option("residual blocks at the resolution of the latent", 3, 0, 32)
    halvings: int = _option("times the resolution is halved, from the grid to the latent", 2, 2, 8)
    kl_weight: float = _option("weight of the prior on the latent", 0.1, 0, 1000)
    likelihood: Literal["censored", "gaussian"] = _choice(
        "whether the bounds of the fields are a part of the likelihood", "censored"
    )


@dataclass(frozen=True)
class DenoiserConfig:
    """The denoiser: sizes of the network, and the noise levels that it is trained on."""

    channels: tuple[int, ...] = _option(
        "channels at each resolution, from the finest to the coarsest", (128, 192), 8, 2048, 8
    )
    patch: int = _option("elements of the latent taken together, along x and along y", 2, 1, 16)
    blocks: int = _option("residual blocks at each resolution", 2, 1, 32)
    embedding: int = _option("length of the embedding of noise level and day", 128, 8, 4096)
    dropout: float = _option("share of activations dropped while training", 0.1, 0, 0.9)
    log_sigma_mean: float = _option("mean of the logarithm of the noise level", -0.2, -10, 10)
    log_sigma_std: float = _option("spread of the logarithm of the noise level", 1.4, 0.01, 10)
    spread_nodes: int = _option("days of the year at which the latent's spread is known", 12, 1, 73)
    least_spread: float = _option(
        "least spread of an element, relative to its channel's", 0.05, 0, 1
    )
    harmonics: int = _option("yearly harmonics of the latent's mean", 3, 1, 12)
    eofs: int = _option("EOFs of the Gaussian estimate that the network corrects", 0, 0, 4096)


@dataclass(frozen=True)
class RefinerConfig(DenoiserConfig):
    """The denoiser of the detail, given what is coarse; for space = 'pyramid'."""

    channels: tuple[int, ...] = _option(
        "channels at each resolution, from the finest to the coarsest", (64, 96), 8, 2048, 8
    )
    patch: int = _option("elements of the latent taken together, along x and along y", 1, 1, 16)
    log_sigma_std: float = _option("spread of the logarithm of the noise level", 1.2, 0.01, 10)
    least_spread: float = _option(
        "least spread of an element, relative to its channel's", 0.02, 0, 1
    )


@dataclass(frozen=True)
class EmulatorConfig:
    """The emulator: sizes of its network, and how it is trained."""

    channels: tuple[int, ...] = _option(
        "channels for 2 x 2, 4 x 4 and 8 x 8 cells", (64, 128, 128), 8, 2048, 8
    )
    blocks: int = _option("residual blocks at each resolution, on the way down and up", 2, 1, 32)
    noise: int = _option(
        "channels of noise at each resolution, half of which last; 0: a deterministic emulator",
        8, 0, 256, 2,
    )  # fmt: skip
    memory: int = _option("days over which the lasting half of the noise is averaged", 16, 1, 366)
    members: int = _option(
        "members a day that the score compares; 1: the mean absolute error", 2, 1, 64
    )
    nfe: int = _option(
        "network evaluations a day: 1, trained by fair CRPS; more, by diffusion, on single days",
        1, 1, 1000,
    )  # fmt: skip
    longest: int = _option("longest forecast that is trained on [days]", 8, 1, 366)
