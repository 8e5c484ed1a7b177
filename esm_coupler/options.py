"""The options of each namelist group: one group = one frozen dataclass, validated when made.

Descriptions and limits written here are what the error messages, the templates of
`esm-coupler namelist` and docs/namelist_reference.md say.
"""

from __future__ import annotations

import dataclasses
import datetime
import re
import typing
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from .generator import architecture

MAX_TEXT = 1024
MAX_INTEGER = 2**31 - 1  # a Fortran default integer
STRICT = ConfigDict(extra="forbid", strict=True)


def _date(value: object) -> int:
    """yyyymmdd of a date given as integer or as 'yyyy-mm-dd'; raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        value = int(value.replace("-", ""))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("neither yyyymmdd nor 'yyyy-mm-dd'")
    if not 1000_01_01 <= value <= 9999_12_31:
        raise ValueError("a year of four digits is needed")
    datetime.date(value // 10000, value // 100 % 100, value % 100)
    return value


Date = Annotated[int, BeforeValidator(_date)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
NonEmpty = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Positive = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
NotNegative = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Years = Annotated[tuple[Annotated[int, Field(ge=1, le=9999)], ...], Field(min_length=1)]


def option(description: str, default: Any = ..., example: Any = None) -> Any:
    """A dataclass field with its one-line description.

    Without a default it must be given; `example` then stands in the templates.
    """
    return Field(default=default, description=description, examples=[example])


@dataclass(frozen=True, config=STRICT)
class CouplerConfig:
    """The bridge: which engine answers a host's calls, and how."""

    engine: Literal["generator", "loopback"] = option(
        "what answers generate and step: the generator, or a loopback that gathers the bound "
        "arrays and scatters them back unchanged, to test a decomposition",
        "generator",
    )
    python: Text = option(
        "path of the Python executable to embed; empty means the one of the build", ""
    )
    threads: Threads = option("threads that torch may use, inside a host and in generate", 1)
    step_mode: Literal["project"] = option(
        "what step does: project the bound state onto what a sea-ice model accepts", "project"
    )
    halo_fill: Literal["none", "closed", "cyclic", "tripole_t", "tripole_f"] = option(
        "what generate and step leave in halo cells: what was there; or neighbours' values, and "
        "beyond the grid zeros, a cyclic x, or a north fold about T or F points (and a cyclic x)",
        "none",
    )
    weights: Text = option(
        "file of 'esm-coupler weights', for a host whose grid is not that of the checkpoint; "
        "empty means none",
        "",
    )
    log_file: Text = option("file for one line per call; empty means none", "")


@dataclass(frozen=True, config=STRICT)
class GeneratorConfig:
    """The generator: its checkpoint, device and sampler."""

    checkpoint: NonEmpty = option(
        "checkpoint: a name that ships with the package, or the path of a .safetensors file",
        "default",
    )
    device: Literal["auto", "cpu", "cuda"] = option(
        "where the network runs; auto takes a GPU if there is one", "auto"
    )
    n_steps: Annotated[int, Field(ge=1, le=1000)] = option(
        "Heun steps of the sampler; a member costs 2 n_steps - 1 network evaluations", 20
    )


@dataclass(frozen=True, config=STRICT)
class EnsembleConfig:
    """The ensemble: which members of which date, and where they go."""

    members: Annotated[int, Field(ge=1, le=9999)] = option("number of ensemble members", 4)
    first_member: Annotated[int, Field(ge=1, le=2_000_000_000)] = option(
        "number of the first member, counted from 1", 1
    )
    seed: NotNegative = option("seed of the noise; each (seed, member, date) has its own state", 1)
    date: Date = option("date of the states", 19900301)
    output: NonEmpty = option("NetCDF file to write", "ensemble.nc")
    overwrite: bool = option("whether an output that exists is replaced", False)


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """A training: its data, length, optimiser and output."""

    kind: Literal["autoencoder", "denoiser"] = option(
        "which network is trained", example="autoencoder"
    )
    data: NonEmpty = option(
        "folder of the training data, one NetCDF file a year", example="data/cice_arctic"
    )
    train_years: Years = option("years to train on", example=(1984, 1985, 1986))
    validation_years: Years = option("years to validate on; none of train_years", example=(1991,))
    output: NonEmpty = option(
        "checkpoint (.safetensors) to write", example="autoencoder.safetensors"
    )
    autoencoder: Text = option(
        "checkpoint of the trained autoencoder; needed for kind = 'denoiser'", ""
    )
    minutes: Annotated[float, Field(gt=0, le=100000, allow_inf_nan=False)] = option(
        "wall-clock limit [min]; the training ends at this or at steps, whichever comes first", 60.0
    )
    steps: Positive = option("number of optimiser steps", 20000)
    batch: Annotated[int, Field(ge=1, le=65536)] = option("days in a batch", 16)
    learning_rate: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = option(
        "peak learning rate of the optimiser", 1e-3
    )
    warmup_steps: Positive = option("steps over which the learning rate rises from 0", 200)
    ema_halflife: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = option(
        "half-life of the running mean of the weights [samples]", 20000.0
    )
    seed: NotNegative = option("seed of the initial weights, the batches and the noise", 1)
    device: Literal["auto", "cpu", "cuda"] = option(
        "where the training runs; auto takes a GPU if there is one", "auto"
    )
    threads: Threads = option("threads that torch may use", 2)
    precision: Literal["bf16", "fp32"] = option("arithmetic of the network while training", "fp32")
    checkpoint_every: Positive = option(
        "steps between two saved states, from which a stopped training resumes", 500
    )

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingConfig:
        if self.kind == "denoiser" and not self.autoencoder:
            raise ValueError(
                "autoencoder is missing; kind = 'denoiser' needs the checkpoint of a trained one"
            )
        both = set(self.train_years) & set(self.validation_years)
        if both:
            raise ValueError(
                f"year {min(both)} is in train_years and in validation_years; give it in one only"
            )
        return self

    @model_validator(mode="after")
    def _is_a_checkpoint(self) -> TrainingConfig:
        if Path(self.output).suffix != ".safetensors":
            raise ValueError(
                f"output = {self.output[:60]!r} is not the name of a checkpoint; let it end in "
                ".safetensors"
            )
        return self


def _validated(plain: type) -> type:
    """A subclass of a plain dataclass that checks what the metadata of its options says."""
    types = typing.get_type_hints(plain)
    fields = [
        (option.name, Annotated[types[option.name], Field(**option.metadata)], option.default)
        for option in dataclasses.fields(plain)
    ]
    made = dataclasses.make_dataclass(plain.__name__, fields, bases=(plain,), frozen=True)
    made.__doc__ = plain.__doc__
    return dataclass(frozen=True, config=STRICT)(made)


AutoencoderConfig = _validated(architecture.AutoencoderConfig)
DenoiserConfig = _validated(architecture.DenoiserConfig)

GROUPS: dict[str, type] = {
    "coupler_nml": CouplerConfig,
    "generator_nml": GeneratorConfig,
    "ensemble_nml": EnsembleConfig,
    "training_nml": TrainingConfig,
    "autoencoder_nml": AutoencoderConfig,
    "denoiser_nml": DenoiserConfig,
}
