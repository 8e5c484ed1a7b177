"""Diffusion in data space: the fields themselves instead of a latent."""

from __future__ import annotations

import torch
from torch import Tensor

from .normalisation import FieldNormalisation
from .space import OneLatent, Shape


class DataSpace(OneLatent):
    """Only normalises: fields (batch, field, y, x) in physical units <-> the same with zero mean
    and unit variance, zero on land."""

    def __init__(self, names: tuple[str, ...], mask: Tensor) -> None:
        super().__init__()
        self.names = names
        self.normalisation = FieldNormalisation(names)
        self.register_buffer("mask", mask.bool(), persistent=False)

    @property
    def latent_shape(self) -> Shape:
        return len(self.names), *self.mask.shape

    def encode(self, fields: Tensor) -> Tensor:
        """Physical fields -> normalised ones."""
        return torch.where(self.mask, self.normalisation(fields), 0.0)

    def decode(self, latent: Tensor) -> Tensor:
        """Normalised fields -> physical ones, clipped to their bounds."""
        return torch.where(self.mask, self.normalisation.censored(latent), 0.0)
