"""Drift parted into its rotational and its divergent part, and put together again.

Pack ice hardly diverges: at 100 km and more its divergent part has a thirtieth of the power of the
rotational one. Where siu and siv are diffused, their errors need not fit together, and a few per
cent of error in each are more divergence than there is. Parted, each part has its own scale.
"""

from __future__ import annotations

import torch
from torch import Tensor


def parted(siu: Tensor, siv: Tensor) -> tuple[Tensor, Tensor]:
    """(..., y, x) components along x and y -> rotational and divergent part, of the same units.

    In Fourier space each wave has one amplitude across and one along its wave vector (Helmholtz).
    A rotation of the pair at each wave loses nothing: `joined` takes it back.
    """
    along_x, along_y = _directions(siu)
    u, v = torch.fft.fft2(siu), torch.fft.fft2(siv)
    steady = ~_waves(along_x, along_y)
    divergent = torch.where(steady, u, 1j * (along_x * u + along_y * v))
    rotational = torch.where(steady, v, 1j * (along_x * v - along_y * u))
    return torch.fft.ifft2(rotational).real, torch.fft.ifft2(divergent).real


def joined(rotational: Tensor, divergent: Tensor) -> tuple[Tensor, Tensor]:
    """The components siu and siv (..., y, x) of both parts."""
    along_x, along_y = _directions(rotational)
    r, d = torch.fft.fft2(rotational), torch.fft.fft2(divergent)
    steady = ~_waves(along_x, along_y)
    u = torch.where(steady, d, -1j * (along_x * d - along_y * r))
    v = torch.where(steady, r, -1j * (along_y * d + along_x * r))
    return torch.fft.ifft2(u).real, torch.fft.ifft2(v).real


def _directions(field: Tensor) -> tuple[Tensor, Tensor]:
    """(y, x) unit vector of each wave, by central differences, so that it is odd in the wave."""
    ny, nx = field.shape[-2:]

    def wave_numbers(size: int) -> Tensor:
        index = torch.arange(size, dtype=field.dtype, device=field.device)
        return torch.where(2 * index % size == 0, 0.0, torch.sin(2 * torch.pi * index / size))

    along_x, along_y = wave_numbers(nx).expand(ny, nx), wave_numbers(ny)[:, None].expand(ny, nx)
    length = torch.hypot(along_x, along_y).clamp(min=torch.finfo(field.dtype).tiny)
    return along_x / length, along_y / length


def _waves(along_x: Tensor, along_y: Tensor) -> Tensor:
    """Where there is a direction: not for the mean, nor for what alternates from cell to cell."""
    return (along_x != 0) | (along_y != 0)
