"""The options of a training, and of the networks that it trains: see options.py."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from .generator import architecture
from .option_types import (
    STRICT,
    NonEmpty,
    NotNegative,
    Positive,
    Text,
    Threads,
    Years,
    option,
)


@dataclass(frozen=True, config=STRICT)
class TrainingConfig:
    """A training: its data, length, optimiser and output."""

    kind: Literal["autoencoder", "denoiser", "one_step", "emulator"] = option(
        "which network is trained; one_step makes a state by one evaluation, from fair CRPS; "
        "emulator takes a state a day forward",
        example="autoencoder",
    )
    data: NonEmpty = option(
        "folder of the training data with one NetCDF file a year, or one file of all years, as "
        "esm-coupler prepare writes it",
        example="data/cice_arctic",
    )
    train_years: Years = option("years to train on", example=(1984, 1985, 1986))
    validation_years: Years = option("years to validate on; none of train_years", example=(1991,))
    output: NonEmpty = option(
        "checkpoint (.safetensors) to write", example="autoencoder.safetensors"
    )
    start_from: Text = option(
        "emulator checkpoint from whose weights the training starts, a path or the name of one that "
        "is shipped; '': from none", ""
    )  # fmt: skip
    space: NonEmpty = option(
        "what a denoiser diffuses: 'pyramid' (coarse fields, then their detail), 'fields' "
        "(the fields themselves), or the checkpoint of a trained autoencoder", "pyramid"
    )  # fmt: skip
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
    bootstrap_width: Annotated[float, Field(ge=0, le=0.7, allow_inf_nan=False)] = option(
        "largest share of another year's anomaly in a sample of the first latent", 0.0
    )
    gain_states: Annotated[int, Field(ge=0, le=100000)] = option(
        "states generated at the end to set the gain of each field's detail; 0: none", 0
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
    pictures: bool = option(
        "whether each saved state comes with a picture of what the network makes by then", True
    )

    @model_validator(mode="after")
    def _fits_together(self) -> TrainingConfig:
        both = set(self.train_years) & set(self.validation_years)
        if both:
            raise ValueError(
                f"year {min(both)} is in train_years and in validation_years; give it in one only"
            )
        if self.kind == "one_step" and self.space != "fields":
            raise ValueError(
                f"kind = 'one_step' makes the fields themselves, but space = {self.space[:60]!r}; "
                "set space = 'fields'"
            )
        return self

    @model_validator(mode="after")
    def _is_of_its_kind(self) -> TrainingConfig:
        if self.gain_states and (self.kind, self.space) != ("denoiser", "pyramid"):
            raise ValueError(
                f"gain_states = {self.gain_states} is for a denoiser with space = 'pyramid', whose "
                "levels are scales; set it to 0"
            )
        if self.start_from and self.kind != "emulator":
            raise ValueError(
                f"start_from = {self.start_from[:60]!r} is for kind = 'emulator', not {self.kind!r}; "
                "leave it out"
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


def _limited(kind: Any, metadata: Mapping[str, Any]) -> Any:
    """The type with its limits; those of a list are limits of its items."""
    if typing.get_origin(kind) is Literal:
        return Annotated[kind, Field(description=metadata["description"])]
    if typing.get_origin(kind) is not tuple:
        return Annotated[kind, Field(**metadata)]
    limits = {key: value for key, value in metadata.items() if key != "description"}
    items = tuple[Annotated[typing.get_args(kind)[0], Field(**limits)], ...]
    return Annotated[items, Field(min_length=1, description=metadata["description"])]


def _validated(plain: type) -> type:
    """A subclass of a plain dataclass that checks what the metadata of its options says."""
    types = typing.get_type_hints(plain)
    fields = [
        (option.name, _limited(types[option.name], option.metadata), option.default)
        for option in dataclasses.fields(plain)
    ]
    made = dataclasses.make_dataclass(plain.__name__, fields, bases=(plain,), frozen=True)
    made.__doc__ = plain.__doc__
    return dataclass(frozen=True, config=STRICT)(made)


AutoencoderConfig = _validated(architecture.AutoencoderConfig)
DenoiserConfig = _validated(architecture.DenoiserConfig)
RefinerConfig = _validated(architecture.RefinerConfig)
EmulatorConfig = _validated(architecture.EmulatorConfig)
