"""The network of the emulator: a state, forcing and noise in, the state a day later out.

Drift first: what the wind makes of it, corrected by the network. It carries area and volume
(transport.py), and the network adds what transport does not do: growth, melt, ridging. The sum is
held within the bounds (held.py), so the change is censored around the present state. All noise of a
member comes in at the start, and one evaluation makes a member: the network is trained on the fair
CRPS of a few members (training/emulator.py), as in Lang et al. 2024 (arXiv 2412.15832).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ..errors import DomainError
from ..fields import DRIFT
from ..grid import Grid
from .architecture import EmulatorConfig
from .blocks import GROUPS, ResidualBlock, downsample, upsample, zero_init
from .held import held
from .step_diffusion import denoising_loss, sampled
from .transport import Transport

STEP_SECONDS = 86400
NAMES = ("sic", "sit", "snt", "siu", "siv")
TRACERS = ("sic", "sit", "snt")
LEVELS = (2, 4, 8)  # cells along the side of a place of the network, the finest first
# Features of a state, about 1 in size: sic, whether there is ice, sit, thin ice, snt, siu, siv
_SCALES = (1.0, 1.0, 2.5, 0.5, 0.25, 0.1, 0.1)
PLACES = 8  # learned maps of what is particular to a place in a season, such as the ocean below


class StepNetwork(nn.Module):
    """state (batch, field, y, x) in physical units, forcing (batch, 6, y/2, x/2) of both ends,
    day of year (batch,), noise: one (batch, noise, y/level, x/level) for each of LEVELS ->
    (batch, field, y, x), in bounds, zero on land."""

    def __init__(self, config: EmulatorConfig, grid: Grid) -> None:
        super().__init__()
        _require_levels(config, grid)
        self.config = config
        self.transport = Transport(grid, STEP_SECONDS)
        mask = torch.from_numpy(grid.mask)
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("drift_mask", torch.from_numpy(grid.drift_mask), persistent=False)
        self.corners = grid.drift_location == "northeast"
        self.register_buffer("fixed", _fixed(grid), persistent=False)
        self.register_buffer("forcing_mean", torch.zeros(6, 1, 1))
        self.register_buffer("forcing_std", torch.ones(6, 1, 1))
        self.register_buffer("change", torch.ones(len(NAMES), 1, 1))  # size of a day's change
        ny, nx = (size // LEVELS[0] for size in mask.shape)
        self.places = nn.Parameter(0.1 * torch.randn(3, PLACES, ny, nx))
        told = 4 * len(_SCALES) + 6 + self.fixed.shape[1] + 2 + PLACES
        self.diffuses = config.nfe > 1
        self._make_layers(told + (4 * len(NAMES) + 1 if self.diffuses else 0))

    def _make_layers(self, channels_in: int) -> None:
        c, n = self.config.channels, 0 if self.diffuses else self.config.noise
        self.wind = None if self.diffuses else nn.Conv2d(6, 2, 1, bias=False)
        self.stem = nn.Conv2d(channels_in, c[0], 3, padding=1)
        self.noise = nn.ModuleList(nn.Conv2d(n, to, 1, bias=False) for to in c if n)
        self.down = nn.ModuleList(self._blocks(n) for n in c)
        self.up = nn.ModuleList(self._blocks(n) for n in c[:-1])
        self.smaller = nn.ModuleList(downsample(a, b) for a, b in zip(c, c[1:], strict=False))
        self.larger = nn.ModuleList(upsample(b, a) for a, b in zip(c, c[1:], strict=False))
        head = zero_init(nn.Conv2d(c[0], 4 * len(NAMES), 3, padding=1))
        self.head = nn.Sequential(nn.GroupNorm(GROUPS, c[0]), nn.SiLU(), head)

    def _blocks(self, channels: int) -> nn.Sequential:
        return nn.Sequential(*(ResidualBlock(channels) for _ in range(self.config.blocks)))

    def forward(
        self, state: Tensor, forcing: Tensor, day_of_year: Tensor, noise: tuple[Tensor, ...]
    ) -> Tensor:
        return self.step(state, forcing, day_of_year, noise)[0]

    def step(
        self, state: Tensor, forcing: Tensor, day_of_year: Tensor, noise: tuple[Tensor, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """The state after the step, and (batch, 3, y, x) of area, volume and snow: what transport
        changed, and what would be there without bounds; in the precision of `state`."""
        scaled, told = self._inputs(state, forcing, day_of_year)
        change = (self._change(told, noise) * self.change).to(state)
        drift = (self._by_wind(scaled).to(state) + change[:, 3:]) * self.drift_mask
        carried = self.transport(state[:, :3], (state[:, 3:] + drift) / 2)
        tracers = state[:, :3] + carried + change[:, :3] * self.mask
        bounded = held(dict(zip(TRACERS, tracers.unbind(dim=1), strict=True)))
        drift = drift * self._touched(bounded["sic"] > 0)[:, None]
        fields = bounded | dict(zip(DRIFT, drift.unbind(dim=1), strict=True))
        return torch.stack([fields[name] for name in NAMES], dim=1), carried, tracers

    def loss(
        self, state: Tensor, after: Tensor, forcing: Tensor, day_of_year: Tensor
    ) -> Tensor:
        """Of the denoiser, for nfe > 1: states a day apart."""
        _, told = self._inputs(state, forcing, day_of_year)
        rest = self.beyond_transport(state, after)
        rest[:, 3:] = after[:, 3:]  # the drift itself
        clean = F.pixel_unshuffle(rest / self.change, 2)
        ocean = F.pixel_unshuffle(self.mask[None, None].float(), 2).repeat(1, len(NAMES), 1, 1)
        return denoising_loss(self._body, told, clean, ocean)

    def beyond_transport(self, before: Tensor, after: Tensor) -> Tensor:
        """(day, field, y, x): what a day changed, but for what mean drift carried."""
        rest = after - before
        rest[:, :3] -= self.transport(before[:, :3], (before + after)[:, 3:] / 2)
        return rest

    def _inputs(
        self, state: Tensor, forcing: Tensor, day_of_year: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The forcing in its own size, and all that the network is told but the noise."""
        scaled = ((forcing - self.forcing_mean) / self.forcing_std).float()
        return scaled, self._tell(state.float(), scaled, day_of_year)

    def _by_wind(self, scaled: Tensor) -> Tensor:
        """What the wind alone makes of the drift (batch, 2, y, x); of a denoiser it is a part."""
        if self.wind is None:
            return torch.zeros(())
        by_wind = self.wind(scaled)
        return F.interpolate(by_wind, scale_factor=2, mode="bilinear", align_corners=False)

    def _change(self, told: Tensor, noise: tuple[Tensor, ...]) -> Tensor:
        """What is added (batch, field, y, x), in sizes of a day's change."""
        if self.diffuses:
            return F.pixel_shuffle(sampled(self._body, told, noise[0], self.config.nfe), 2)
        change = F.pixel_shuffle(self._body(told, noise).float(), 2)
        return torch.cat([change[:, :3], _of_splines(change[:, 3:])], dim=1)

    def _touched(self, ice: Tensor) -> Tensor:
        """Drift points that ice touches, as Grid.touched_by."""
        if not self.corners:
            return ice
        return F.max_pool2d(F.pad(ice[:, None].float(), (0, 1, 0, 1)), 2, 1)[:, 0] > 0

    def _tell(self, state: Tensor, scaled: Tensor, day_of_year: Tensor) -> Tensor:
        """All inputs but the noise (batch, channel, y/2, x/2)."""
        sic, sit, snt, u, v = state.unbind(dim=1)
        features = (sic, (sic > 0).float(), sit, sit.clamp(max=1), snt, u, v)
        fine = torch.stack([f / s for f, s in zip(features, _SCALES, strict=True)], dim=1)
        angle = (2 * math.pi / 365) * day_of_year.to(state)
        season = torch.stack([angle.cos(), angle.sin()], dim=1)[:, :, None, None]
        weights = torch.cat([torch.ones_like(season[:, :1]), season], dim=1)
        places = (weights[:, :, None] * self.places[None]).sum(dim=1)
        n = len(state)
        return torch.cat(
            [F.pixel_unshuffle(fine, 2), scaled, self.fixed.expand(n, -1, -1, -1),
             season.expand(-1, -1, *scaled.shape[-2:]), places], dim=1,
        )  # fmt: skip

    def _body(self, told: Tensor, noise: tuple[Tensor, ...] = ()) -> Tensor:
        """(batch, channel, y/2, x/2) -> (batch, 4 field, y/2, x/2)."""
        x, kept = self.stem(told), []
        for level, blocks in enumerate(self.down):
            if level:
                x = self.smaller[level - 1](x)
            if noise:
                x = x + self.noise[level](noise[level])
            x = blocks(x)
            kept.append(x)
        for level in reversed(range(len(self.up))):
            x = self.up[level](kept[level] + self.larger[level](x))
        return self.head(x)

    @property
    def noise_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """(channel, y, x) of the noise at each level; none for a network without noise."""
        ny, nx = self.mask.shape
        n = self.config.noise
        if self.diffuses:
            return ((4 * len(NAMES), ny // LEVELS[0], nx // LEVELS[0]),)
        return tuple((n, ny // level, nx // level) for level in LEVELS) if n else ()


def _require_levels(config: EmulatorConfig, grid: Grid) -> None:
    """DomainError for other resolutions than LEVELS, and for a grid that they do not divide."""
    if len(config.channels) != len(LEVELS):
        raise DomainError(
            f"an emulator has {len(config.channels)} numbers of channels: give {len(LEVELS)}, for "
            f"{', '.join(f'{level} x {level}' for level in LEVELS)} cells"
        )
    if any(size % LEVELS[-1] for size in grid.shape):
        raise DomainError(
            f"the grid has {grid.shape[1]} x {grid.shape[0]} cells; an emulator needs sides that "
            f"are multiples of {LEVELS[-1]}: pad the grid with land"
        )


def _of_splines(coefficients: Tensor) -> Tensor:
    """Values at the cells (batch, field, y, x) of cubic B-splines, one a cell: drift is smooth, for
    pack ice moves as one, and noise in single cells would be rough."""
    x = coefficients
    for axis in (-1, -2):
        x = (x.roll(1, axis) + 4 * x + x.roll(-1, axis)) / 6
    return x


def _fixed(grid: Grid) -> Tensor:
    """(1, channel, y/2, x/2): ocean of each cell, and where on the earth it is."""
    mask = torch.from_numpy(grid.mask)[None, None].float()
    lat, lon = (torch.from_numpy(x).double() * math.pi / 180 for x in (grid.lat, grid.lon))
    ways = torch.stack([lat.sin(), lat.cos() * lon.cos(), lat.cos() * lon.sin()])[None].float()
    return torch.cat([F.pixel_unshuffle(mask, 2), F.avg_pool2d(ways, 2)], dim=1)
