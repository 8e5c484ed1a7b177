"""Namelist file -> Config: every group checked, nothing applied if anything is wrong."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import ConfigError
from .generator import architecture
from .namelist_check import checked_groups
from .namelist_file import Group, parse_groups, read_text
from .options import (
    AutoencoderConfig,
    CouplerConfig,
    DenoiserConfig,
    EmulatorConfig,
    EnsembleConfig,
    ForecastConfig,
    GeneratorConfig,
    RefinerConfig,
    TrainingConfig,
)

if TYPE_CHECKING:
    from .generator.request import Request
    from .state import State

__all__ = [
    "AutoencoderConfig",
    "Config",
    "CouplerConfig",
    "DenoiserConfig",
    "EmulatorConfig",
    "EnsembleConfig",
    "ForecastConfig",
    "GeneratorConfig",
    "RefinerConfig",
    "TrainingConfig",
    "parse_namelist",
    "read_namelist",
]

HOST_PREFIX = "host_"


@dataclass(frozen=True)
class Config:
    """One dataclass per group; a group that the file lacks has its defaults.

    `training` has no defaults and is None without its group. `source` is the file's name,
    `text` the namelist as read, `overrides` what was set over it.
    """

    source: str = ""
    text: str = ""
    overrides: tuple[str, ...] = ()
    coupler: CouplerConfig = field(default_factory=CouplerConfig)
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)
    ensemble: EnsembleConfig = field(default_factory=EnsembleConfig)
    forecast: ForecastConfig = field(default_factory=ForecastConfig)
    training: TrainingConfig | None = None
    autoencoder: architecture.AutoencoderConfig = field(default_factory=AutoencoderConfig)
    denoiser: architecture.DenoiserConfig = field(default_factory=DenoiserConfig)
    refiner: architecture.RefinerConfig = field(default_factory=RefinerConfig)
    emulator: architecture.EmulatorConfig = field(default_factory=EmulatorConfig)

    def request(
        self, member: int, date: int | None = None, analysis: State | None = None
    ) -> Request:
        """What the generator is asked for: a member of this day, or of that of the ensemble,
        around an analysis if there is one."""
        from .generator.request import Request
        from .modes.perturb import Perturbation
        from .state import parse_date

        day, g = parse_date(self.ensemble.date if date is None else date), self.generator
        wish = None
        if analysis is not None:
            target = (g.target_spread[0], g.target_spread[1])
            wish = Perturbation(analysis, g.noise_level, g.varied_scale, target)
        return Request(member, day, self.ensemble.seed, perturbation=wish, **g.sampling)


def read_namelist(path: str | Path, overrides: Iterable[str] = ()) -> Config:
    """Config of a namelist file, with overrides such as 'ensemble_nml.members=8' over it.

    Groups `host_...` belong to the host and are skipped. Raises ConfigError with one sentence
    per fault, one per line.
    """
    return parse_namelist(read_text(path), Path(path).name, overrides)


def parse_namelist(text: str, name: str, overrides: Iterable[str] = ()) -> Config:
    """Config of the text of a namelist; `name` stands for the file in messages."""
    overrides = tuple(overrides)
    groups = [group for group in parse_groups(text, name) if not _is_host(group)]
    values, faults = checked_groups(groups, overrides, name)
    if faults:
        raise ConfigError("\n".join(faults))
    parts: dict[str, typing.Any] = {
        group.removesuffix("_nml"): value for group, value in values.items()
    }
    return Config(source=name, text=text, overrides=overrides, **parts)


def _is_host(group: Group) -> bool:
    return group.name.startswith(HOST_PREFIX)
