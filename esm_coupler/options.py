"""The options of each namelist group: one group = one frozen dataclass, validated when made.

Descriptions and limits written here are what the error messages, the templates of
`esm-coupler namelist` and docs/namelist_reference.md say.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from .generator import schedule
from .modes.wishes import fault_of
from .option_types import (
    STRICT,
    Date,
    NonEmpty,
    NotNegative,
    Positive,
    Spreads,
    Text,
    Threads,
    option,
)  # fmt: skip
from .training_options import (
    AutoencoderConfig,
    DenoiserConfig,
    EmulatorConfig,
    RefinerConfig,
    TrainingConfig,
)  # fmt: skip


def _within_limits(name: str) -> Any:
    """The limits of a real option of the sampler."""
    low, high = schedule.LIMITS[name]
    return Field(ge=low, le=high, allow_inf_nan=False)


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
    step_mode: Literal["project", "emulate"] = option(
        "what step does: project the bound state onto what a sea-ice model accepts, or take it "
        "days forward with the emulator of &forecast_nml under the bound tas, uas and vas",
        "project",
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
    members_ahead: Annotated[int, Field(ge=1, le=9999)] = option(
        "members that generate makes at once, spread over the generator ranks: the one asked for "
        "and those numbered next, which later calls for the same date get from memory",
        1,
    )
    generator_ranks: NotNegative = option(
        "most ranks that hold a generator, at most members_ahead; 0 means as many as ranks_per_gpu "
        "allows, and one where there is no GPU",
        0,
    )
    ranks_per_gpu: Threads = option("generator ranks that may share a GPU", 1)
    log_file: Text = option(
        "file of the first rank: which ranks and GPUs compute, and a line per call with the hash "
        "of its state; empty means none",
        "esm_coupler.log",
    )
    record: Text = option(
        "folder for a recording of all calls, to be sent or replayed (esm-coupler replay); empty "
        "means none",
        "",
    )
    record_mb: Positive = option("largest size of a rank's recording [MB]; there it ends", 1000)
    on_failure: Literal["stop", "unchanged", "climatology"] = option(
        "what happens where a state cannot be made: stop gives a status on all ranks, unchanged "
        "leaves the bound arrays as they are, climatology fills them with the seasonal mean of "
        "the checkpoint",
        "stop",
    )
    time_limit: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] = option(
        "longest time for each call after start [s]; 0 means none. A rank that others wait for "
        "twice as long is given up",
        0.0,
    )
    max_fallbacks: NotNegative = option(
        "how often on_failure may replace a state; the next failure gives its status", 10
    )

    @model_validator(mode="after")
    def _can_emulate(self) -> CouplerConfig:
        if self.step_mode == "emulate" and self.weights:
            raise ValueError(
                "step_mode = 'emulate' needs the emulator's own grid, and weights say that the "
                "host has another; train an emulator on the host's grid"
            )
        if self.step_mode == "emulate" and self.engine == "loopback":
            raise ValueError(
                "step_mode = 'emulate' needs engine = 'generator'; a loopback gives back what it "
                "gets"
            )
        return self

    @model_validator(mode="after")
    def _has_climatology(self) -> CouplerConfig:
        if self.on_failure == "climatology" and self.engine == "loopback":
            raise ValueError(
                "on_failure = 'climatology' needs a checkpoint, which engine = 'loopback' has not; "
                "give 'stop' or 'unchanged'"
            )
        return self


@dataclass(frozen=True, config=STRICT)
class GeneratorConfig:
    """The generator: its checkpoint, device and sampler, and whether it starts from an analysis."""

    mode: Literal["unconditional", "perturb"] = option(
        "what a member is: a state of the date, or one around an analysis, which is what a host "
        "has in its bound fields, or a file (analysis in &ensemble_nml)",
        "unconditional",
    )
    noise_level: Annotated[float, Field(ge=0, le=80, allow_inf_nan=False)] = option(
        "level of the noise of mode = 'perturb', where 1 is the spread of the season: the higher, "
        "the larger the scales that vary; 0 means that varied_scale or target_spread says it",
        0.0,
    )
    varied_scale: Annotated[float, Field(ge=0, le=1e5, allow_inf_nan=False)] = option(
        "the level by scale: wavelength [km] at which noise and analysis have the same power; "
        "what is longer stays, what is shorter varies; 0 means none",
        0.0,
    )
    target_spread: Spreads = option(
        "spread of sic [1] and of sit [m] of members, root mean square over the cells with ice: "
        "what the noise makes is stretched to it, and without a level one is found; 0 for one of "
        "both leaves it to the other, two mean none",
        (0.0, 0.0),
    )
    checkpoint: NonEmpty = option(
        "checkpoint: a name that ships with the package, or the path of a .safetensors file",
        "default",
    )
    device: Literal["auto", "cpu", "cuda"] = option(
        "where the network runs; auto takes a GPU if there is one", "auto"
    )
    compile: bool = option(
        "whether torch compiles the denoiser at the start, which takes minutes the first time and "
        "needs a C++ compiler; members then take less time, and their bits depend on processor and "
        "compiler too",
        False,
    )
    precision: Literal["fp32", "bf16"] = option(
        "arithmetic of the network's products: bf16 gives up bits for speed on a GPU; sums, latents "
        "and states keep theirs",
        "fp32",
    )
    batch_members: Annotated[int, Field(ge=1, le=1024)] = option(
        "members that go through the network together; more than 1 is faster on a GPU, and a "
        "member's bits then depend on its company. Restarts are made one by one",
        1,
    )
    cuda_graph: bool = option(
        "whether on a GPU the sampling of a latent is one CUDA graph, which saves the launches of "
        "its kernels; time_limit is looked at between latents only. Without effect on a CPU",
        False,
    )
    sampler: schedule.SamplerName = option(
        "how noise becomes a state: heun and dpm (DPM-Solver++ 2M) are deterministic, stochastic "
        "(Karras et al. 2022, algorithm 2) adds fresh noise on the way",
        "dpm",
    )
    n_steps: Annotated[int, Field(ge=1, le=1000)] = option(
        "noise levels that the sampler steps through; a member costs n_steps network evaluations "
        "with dpm, 2 n_steps - 1 with heun and stochastic",
        20,
    )
    refine_steps: Annotated[int, Field(ge=1, le=1000)] = option(
        "the same for the detail, if the checkpoint has a refiner for it", 5
    )
    sigma_min: Annotated[float, _within_limits("sigma_min")] = option(
        "lowest noise level above 0, where 1 is the spread of the data", schedule.SIGMA_MIN
    )
    sigma_max: Annotated[float, _within_limits("sigma_max")] = option(
        "highest noise level, from which the sampler starts", schedule.SIGMA_MAX
    )
    rho: Annotated[float, _within_limits("rho")] = option(
        "spacing of the noise levels: more makes steps shorter at low levels", schedule.RHO
    )
    churn: Annotated[float, _within_limits("churn")] = option(
        "how much noise the stochastic sampler renews (S_churn); 0 makes it heun", schedule.CHURN
    )

    @model_validator(mode="after")
    def _says_how_far(self) -> GeneratorConfig:
        given = [
            name for name, value in (("noise_level", self.noise_level),
            ("varied_scale", self.varied_scale), ("target_spread", max(self.target_spread)))
            if value > 0
        ]  # fmt: skip
        if self.mode != "perturb" and given:
            raise ValueError(f"{given[0]} is given; it needs mode = 'perturb'")
        wishes = self.noise_level, self.varied_scale, self.target_spread
        if self.mode == "perturb" and (fault := fault_of(*wishes)):
            raise ValueError(fault)
        return self

    @property
    def sampling(self) -> dict[str, Any]:
        """The options of a request, by name."""
        names = ("n_steps", "refine_steps", "sampler", *schedule.LIMITS)
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, config=STRICT)
class EnsembleConfig:
    """The ensemble: which members of which date, and where they go."""

    members: Annotated[int, Field(ge=1, le=9999)] = option("number of ensemble members", 4)
    first_member: Annotated[int, Field(ge=1, le=2_000_000_000)] = option(
        "number of the first member, counted from 1", 1
    )
    seed: NotNegative = option("seed of the noise; each (seed, member, date) has its own state", 1)
    date: Date = option("date of the states", 19900301)
    analysis: Text = option(
        "file with the analysis of mode = 'perturb', of the date: a restart of CICE, SI3 or "
        "neXtSIM-DG, an ensemble of ours (its first member), or what esm-coupler prepare reads; "
        "empty means the template",
        "",
    )
    output: NonEmpty = option(
        "NetCDF file to write, or with another output_format the folder of the restarts",
        "ensemble.nc",
    )
    overwrite: bool = option("whether an output that exists is replaced", False)
    output_format: Literal["netcdf", "cice", "nextsim", "si3", "si3_initial"] = option(
        "what generate writes: one CF NetCDF file, or for each member a restart of that model, or "
        "(si3_initial) the file that NEMO reads with nn_iceini_file = 1",
        "netcdf",
    )
    template: Text = option(
        "restart of the date, which every written restart is a copy of but for the ice", ""
    )
    kcatbound: Annotated[int, Field(ge=-1, le=3)] = option(
        "Icepack's choice of the bounds of thickness categories, as in the model's own namelist", 0
    )

    @model_validator(mode="after")
    def _has_a_template(self) -> EnsembleConfig:
        if self.output_format not in ("netcdf", "si3_initial") and not self.template:
            raise ValueError(
                f"template is missing; output_format = '{self.output_format}' needs a restart of "
                "that model"
            )
        return self


@dataclass(frozen=True, config=STRICT)
class ForecastConfig:
    """The emulator at work: in a host with step_mode = 'emulate', and in esm-coupler forecast."""

    checkpoint: NonEmpty = option(
        "emulator that ships with the package (by name), or path of a checkpoint", "emulator"
    )
    conserve: bool = option(
        "whether ice and snow volume change by exactly what the emulator's sources say: what bounds "
        "cut off is given back over all ice",
        False,
    )
    initial: Text = option(
        "file that the forecast starts from, as of esm-coupler generate or forecast, or of daily "
        "states",
        "",
    )
    forcing: Text = option(
        "file with tas [K], uas and vas [m s-1] for each day from the start to the end", ""
    )
    n_days: Annotated[int, Field(ge=1, le=366000)] = option("days to go forward", 10)
    output_every: Annotated[int, Field(ge=1, le=366000)] = option("days between two outputs", 1)
    batch_members: Annotated[int, Field(ge=1, le=9999)] = option(
        "members that go through the network together, which gives up bits; 1 keeps them", 1
    )


GROUPS: dict[str, type] = {
    "coupler_nml": CouplerConfig,
    "generator_nml": GeneratorConfig,
    "ensemble_nml": EnsembleConfig,
    "forecast_nml": ForecastConfig,
    "training_nml": TrainingConfig,
    "autoencoder_nml": AutoencoderConfig,
    "denoiser_nml": DenoiserConfig,
    "refiner_nml": RefinerConfig,
    "emulator_nml": EmulatorConfig,
}
