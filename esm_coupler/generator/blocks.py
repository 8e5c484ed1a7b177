"""The two building blocks that autoencoder and denoiser share."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

GROUPS = 8


class ResidualBlock(nn.Module):
    """(batch, channels, y, x) -> same shape: norm, SiLU, conv, [scale and shift], norm, SiLU, conv.

    `embedding` is the size of a conditioning vector (0: none), which scales and shifts the second
    norm (FiLM).
    """

    def __init__(self, channels: int, embedding: int = 0, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(GROUPS, channels)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm2 = nn.GroupNorm(GROUPS, channels)
        self.conv2 = zero_init(nn.Conv2d(channels, channels, 3, padding=1))
        self.film = zero_init(nn.Linear(embedding, 2 * channels)) if embedding else None
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        h = self.norm2(self.conv1(F.silu(self.norm1(x))))
        if self.film is not None:
            scale, shift = self.film(condition)[..., None, None].chunk(2, dim=1)
            h = h * (1 + scale) + shift
        return x + self.conv2(self.dropout(F.silu(h)))


def zero_init(layer: nn.Module) -> nn.Module:
    """Start a residual branch as the identity, so that deep stacks train from the first step."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer


def downsample(channels_in: int, channels_out: int) -> nn.Sequential:
    """Halve (y, x): pixels to channels, then mix (no detail is averaged away)."""
    return nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * channels_in, channels_out, 1))


def upsample(channels_in: int, channels_out: int) -> nn.Sequential:
    """Double (y, x): mix, then channels to pixels."""
    return nn.Sequential(nn.Conv2d(channels_in, 4 * channels_out, 1), nn.PixelShuffle(2))
