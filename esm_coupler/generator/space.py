"""What is diffused: a space of one or more latents between which and the fields one can go."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor, nn

Shape = tuple[int, int, int]  # (channel, y, x)


class Space(Protocol):
    """Fields (batch, field, y, x) in physical units <-> latents, from the coarsest to the finest.

    `context` is what the denoiser of the next latent is told of those before it: (batch, channel,
    y, x) at that latent's resolution, None for the first.
    """

    names: tuple[str, ...]
    mask: Tensor
    mean: Tensor  # (field, 1, 1) scale of what the networks see of each field
    std: Tensor

    @property
    def shapes(self) -> tuple[Shape, ...]: ...
    @property
    def context_channels(self) -> tuple[int, ...]: ...
    def latents(self, fields: Tensor) -> tuple[Tensor, ...]: ...
    def context(self, latents: tuple[Tensor, ...]) -> Tensor | None: ...
    def fields(self, latents: tuple[Tensor, ...]) -> Tensor: ...


class OneLatent(nn.Module):
    """A space with a single latent, by `encode`, `decode`, `latent_shape` and `normalisation`."""

    @property
    def mean(self) -> Tensor:
        return self.normalisation.mean

    @property
    def std(self) -> Tensor:
        return self.normalisation.std

    @property
    def shapes(self) -> tuple[Shape, ...]:
        return (self.latent_shape,)

    @property
    def context_channels(self) -> tuple[int, ...]:
        return (0,)

    def latents(self, fields: Tensor) -> tuple[Tensor, ...]:
        return (self.encode(fields),)

    def context(self, latents: tuple[Tensor, ...]) -> Tensor | None:
        return None

    def fields(self, latents: tuple[Tensor, ...]) -> Tensor:
        return self.decode(latents[0])
