"""The engine that answers a host with a generator's states, on the host's grid and mask."""

from __future__ import annotations

import time
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ConfigError, DomainError, FieldError, InvalidValueError
from ..fields import FORCINGS
from .engine import Result
from .maker import Maker, Member
from .masks import compare_masks, require_covered

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.climatology import Climatology
    from ..generator.projection import ProjectionReport
    from ..state import State
    from ..weights import Weights

Counts = tuple[int, int]  # cells out of bounds before a projection, and cells that it changed


class GeneratorEngine:
    """A generator with its checkpoint, on the host's mask once that is known."""

    def __init__(self, config: Config, maker: Maker) -> None:
        self._config = config
        self._perturbs = config.generator.mode == "perturb"
        self._require_perturbable()
        self._maker = maker
        self._thread, self._generator = maker.thread, maker.generator
        self._climatology = self._thread.call(self._load_climatology)
        self._weights = self._load_weights()
        self._full_grid = self._weights.grid if self._weights else self._generator.grid
        self._grid = self._full_grid  # on the host's mask, once that is known
        self.drift_location = self._grid.drift_location
        self._has_host_mask = False
        # the host's ocean that is land to the checkpoint: an analysis stays there as it is
        self._unknown = np.zeros(self._full_grid.shape, dtype=bool)

    def _require_perturbable(self) -> None:
        """ConfigError for what does not go with an analysis: weights have no way back, and what is
        made ahead does not know the host's fields."""
        if self._perturbs and self._config.coupler.weights:
            raise ConfigError(
                "mode = 'perturb' in &generator_nml needs the checkpoint's own grid, and weights "
                "in &coupler_nml say that the host has another: use a checkpoint that was trained "
                "on the host's grid"
            )
        if self._perturbs and self._config.coupler.members_ahead > 1:
            raise ConfigError(
                "mode = 'perturb' in &generator_nml makes one member after another, each around "
                "what the host has: set members_ahead = 1 in &coupler_nml"
            )

    def _load_climatology(self) -> Climatology | None:
        """Only where it may be asked for: it holds a decoder of its own."""
        from ..generator.climatology import Climatology

        if self._config.coupler.on_failure != "climatology":
            return None
        return Climatology(self._generator.model, self._config.coupler.threads)

    def _load_weights(self) -> Weights | None:
        """The way to a host's grid that is not the checkpoint's."""
        if not self._config.coupler.weights:
            return None
        from ..weights import read_weights

        return read_weights(self._config.coupler.weights, self._generator.grid)

    def check_grid(self, nx_global: int, ny_global: int) -> None:
        ny, nx = self._grid.shape
        if (nx_global, ny_global) == (nx, ny):
            return
        if self._weights:
            raise DomainError(
                f"the host's grid is {nx_global} x {ny_global}, that of weights "
                f"'{self._config.coupler.weights}' is {nx} x {ny}: make weights for this grid"
            )
        raise DomainError(
            f"the host's grid is {nx_global} x {ny_global}, that of checkpoint "
            f"'{self._config.generator.checkpoint}' is {nx} x {ny}: use a checkpoint that was "
            f"trained on the host's grid{self._other_remedy()}"
        )

    def _other_remedy(self) -> str:
        """For a host on another grid: weights lead to it, and not back."""
        if self._perturbs or self._config.coupler.step_mode == "emulate":
            return (
                "; weights do not help mode = 'perturb' and step_mode = 'emulate', which take the "
                "host's state to the checkpoint's grid"
            )
        return ", or make weights with 'esm-coupler weights'"

    def check_field(self, name: str) -> None:
        if name not in self._generator.names:
            near = get_close_matches(name, self._generator.names, n=1)
            forcing = "; forcing is bound with step_mode = 'emulate' in &coupler_nml"
            raise FieldError(
                f"field '{name}' is unknown{f' (did you mean {near[0]!r}?)' if near else ''}: the "
                f"checkpoint has {', '.join(self._generator.names)}"
                f"{forcing if name in FORCINGS else ''}"
            )

    def take_mask(self, ocean: np.ndarray, owned: np.ndarray) -> str:
        """Hold the generator to the host's ocean (y, x), known in `owned` cells only; a note if
        the two masks differ there."""
        note = compare_masks(ocean, self._full_grid.mask & owned)
        self._grid = self._full_grid.with_mask(ocean & self._full_grid.mask)
        self._has_host_mask = True
        self._unknown = ocean & ~self._full_grid.mask
        return note

    def check_covered(self, owned: np.ndarray) -> None:
        """The ocean of checkpoint or weights, whatever the host's mask says: where a host has no
        block, its mask says nothing, and the ice there would be lost."""
        require_covered(self._full_grid.mask, owned)

    def generate(
        self, names: tuple[str, ...], values: np.ndarray, member: int, date: int
    ) -> Result:
        if self._perturbs:
            return self._around(names, values, member, date)
        made, note = self._maker.make(member, date)
        return replace(self.hand_over(names, made), note=note)

    def _around(
        self, names: tuple[str, ...], values: np.ndarray, member: int, date: int
    ) -> Result:
        """A member around what the host has."""
        made = self._maker.make_around(member, date, self._analysis(names, values))
        result = self.hand_over(names, made)
        if result.values is not None:
            result.values[:, self._unknown] = values[:, self._unknown]
        return result

    def hand_over(self, names: tuple[str, ...], made: Member) -> Result:
        from ..state import State

        state = State(made.values, self._generator.names, self._generator.grid)
        counts = made.cells_out_of_bounds, made.cells_changed
        return self._as_result(names, state, made.seconds, counts)

    def climatology(self, names: tuple[str, ...], date: int) -> Result:
        """The seasonal mean of that day, which needs neither sampler nor GPU."""
        from ..state import parse_date

        start, day, kept = time.perf_counter(), parse_date(date), self._climatology
        if kept is None:
            raise ConfigError("no climatology was kept: set on_failure = 'climatology'")
        state, report = self._thread.call(lambda: kept.state(day))
        return self._as_result(names, state, time.perf_counter() - start, _counts(report))

    def _as_result(
        self, names: tuple[str, ...], state: State, seconds: float, counts: Counts
    ) -> Result:
        """Of a state on the checkpoint's grid."""
        if not (self._weights or self._has_host_mask):
            return _result(names, state, seconds, counts)
        masked, again = self._on_host_grid(state)
        return _result(names, masked, seconds, counts, _counts(again))

    def _on_host_grid(self, state: State) -> tuple[State, ProjectionReport]:
        """Without what lies outside the host's ocean, and consistent at its coasts; the report
        counts what had to go."""
        from ..generator.projection import project
        from ..state import State

        if self._weights:
            state = self._weights.apply(state)
        return project(State(state.values, state.names, self._grid))

    def _analysis(self, names: tuple[str, ...], values: np.ndarray) -> State:
        """What the host has, on the checkpoint's grid: where only the checkpoint has ocean, as in
        the nearest cell that is ocean to both."""
        from ..modes.analysis import on_ocean, require_fields

        require_fields(names, self._generator.names)
        state = self._supported(names, values)
        if not self._has_host_mask:  # what is land here may be ocean there: its ice is no chance
            sic = values[names.index("sic")]
            lost = ~self._grid.mask & (sic > 0) & (sic <= 1)
            state["sic"][lost] = sic[lost]
        return on_ocean(state, self._full_grid)

    def _supported(self, names: tuple[str, ...], values: np.ndarray) -> State:
        """A state that is zero where its fields can't be: a host has anything on its land."""
        from ..state import State

        state = State(values.copy(), names, self._grid)
        for name in names:
            state[name][~state.support(name)] = 0.0
        return state

    def step(self, names: tuple[str, ...], values: np.ndarray, date: int, seconds: float) -> Result:
        from ..generator.projection import project
        from ..state import parse_date

        parse_date(date)
        if not 0.0 < seconds < float("inf"):
            raise InvalidValueError(f"seconds is {seconds}: the length of a step is positive")
        start = time.perf_counter()
        state, report = project(self._supported(names, values))
        return _result(names, state, time.perf_counter() - start, _counts(report))

    def provenance(self) -> dict[str, Any]:
        """What the bits of a state depend on."""
        options, request = self._config.generator, self._config.request(member=1)
        return self._generator.provenance(request, options.batch_members) | {
            "mode": options.mode, "noise_level": options.noise_level,
            "varied_scale": options.varied_scale, "target_spread": list(options.target_spread),
        }  # fmt: skip

    def close(self) -> None:
        del self._generator, self._climatology


def _counts(report: ProjectionReport) -> Counts:
    return report.cells_out_of_bounds, report.cells_changed


def _result(names: tuple[str, ...], state: State, seconds: float, *counts: Counts) -> Result:
    """What all projections together did, one pair of counts each."""
    values = np.stack([state[name] for name in names])
    out_of_bounds, changed = map(sum, zip(*counts, strict=True))
    return Result(values, seconds, out_of_bounds, changed)
