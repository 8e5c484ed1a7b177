"""The engine that takes a host's state days forward, and what it knows from call to call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CallOrderError, ConfigError, FieldError
from ..fields import FORCINGS
from .engine import Result
from .generator_engine import GeneratorEngine
from .restart import read_restart, write_restart

if TYPE_CHECKING:
    from ..config import Config
    from ..generator.emulator import Emulator
    from ..state import State
    from .maker import Maker


_NO_FORCING_BEFORE = (
    "note: no forcing is known of the day on which the step begins, that of its end stands for "
    "both: bind the forcing before generate, and let it hold that of the day"
)


class EmulatorEngine(GeneratorEngine):
    """A generator, and an emulator on its grid, in its thread, on its device."""

    def __init__(self, config: Config, maker: Maker) -> None:
        from ..modes.forecast import Clock

        super().__init__(config, maker)
        self._check_time = maker.check_time
        self._emulator = self._thread.call(self._load_emulator)
        self._require_one_grid()
        self._forcing: Mapping[str, np.ndarray] = {}  # what this call was given, by name
        self._clock = Clock(config.ensemble.first_member)
        self._clock_after = self._clock  # where the call that is under way leads

    def _load_emulator(self) -> Emulator:
        from ..generator.emulator import Emulator

        name, threads = self._config.forecast.checkpoint, self._config.coupler.threads
        return Emulator.load(name, self._generator.device, threads)

    def _require_one_grid(self) -> None:
        here, there = self._emulator.grid, self._generator.grid
        if (here.mask_hash, here.drift_location) != (there.mask_hash, there.drift_location):
            raise ConfigError(
                f"the emulator '{self._config.forecast.checkpoint}' of &forecast_nml has another "
                f"ocean ({here.shape[1]} x {here.shape[0]} cells) than the checkpoint "
                f"'{self._config.generator.checkpoint}' of &generator_nml ({there.shape[1]} x "
                f"{there.shape[0]}): use two that were trained on one grid"
            )

    def check_field(self, name: str) -> None:
        if name not in FORCINGS and name not in self._emulator.names:
            super().check_field(name)

    def take_forcing(self, forcing: Mapping[str, np.ndarray]) -> None:
        """What is bound of FORCINGS in this call, (y, x) float64 by name."""
        self._forcing = forcing

    def begin(self, member: int, date: int) -> None:
        """A member that is made in this call is where the next step goes on."""
        from ..generator.emulator import check_forcing
        from ..modes.forecast import Clock
        from ..state import parse_date

        known = len(self._forcing) == len(FORCINGS)
        forcing = self._bound_forcing() if known else None
        if forcing is not None:
            check_forcing(forcing, self._full_grid.mask)
        self._clock_after = Clock(member, parse_date(date), forcing)

    def commit(self) -> None:
        """The call went well on all ranks."""
        self._clock = self._clock_after

    def step(self, names: tuple[str, ...], values: np.ndarray, date: int, seconds: float) -> Result:
        """Raises before anything is made what a host can mend. The clock goes on where the making
        itself fails: on_failure may leave the host its own state for that time."""
        from ..modes.forecast import advance, clock_after
        from ..state import parse_date

        forcing, state = self._bound_forcing(), self._state(names, values)
        given = {"date": parse_date(date), "seconds": seconds, "forcing": forcing}
        clock = self._clock
        self._clock_after = clock_after(clock, mask=self._full_grid.mask, **given)
        seed, conserve = self._config.ensemble.seed, self._config.forecast.conserve
        steps, _ = self._thread.call(
            lambda: advance(
                self._emulator, state, clock, **given,
                seed=seed, conserve=conserve, before_evaluation=self._check_time,
            )
        )  # fmt: skip
        counts = [(s.report.cells_out_of_bounds, s.report.cells_changed) for s in steps]
        total = sum(pair[0] for pair in counts), sum(pair[1] for pair in counts)
        last, spent = steps[-1].state, sum(step.seconds for step in steps)
        note = "" if clock.forcing is not None else _NO_FORCING_BEFORE
        result = self._as_result(last.names, last, spent, total)
        return replace(result, values=_in_place(result, last, names, values), note=note)

    def _bound_forcing(self) -> np.ndarray:
        """(3, y, x) on the emulator's ocean, zero on land; where only the emulator has ocean, as in
        the nearest cell that is ocean to both."""
        from ..modes.analysis import nearest_common

        for name in FORCINGS:
            if name not in self._forcing:
                raise FieldError(
                    f"step needs the forcing '{name}', which is not bound: step_mode = 'emulate' "
                    f"takes {', '.join(FORCINGS)}, of the day on which the step ends"
                )
        forcing = np.stack([self._forcing[name] for name in FORCINGS])
        nearest = nearest_common(self._grid.mask, self._full_grid.mask)
        return np.where(self._full_grid.mask, forcing[:, nearest[0], nearest[1]], 0.0)

    def _state(self, names: tuple[str, ...], values: np.ndarray) -> State:
        """What the host has, on the emulator's ocean."""
        from ..modes.analysis import on_ocean

        needed = self._emulator.names
        for name in needed:
            if name not in names:
                raise FieldError(
                    f"step needs the field '{name}', which is not bound: the emulator takes "
                    f"{', '.join(needed)} forward; bind them all"
                )
        rows = [names.index(name) for name in needed]
        return on_ocean(self._supported(needed, values[rows]), self._full_grid)

    def write_restart(self, path: str) -> None:
        """What the next step has to know, but for the host's own fields."""
        if self._clock.date is None:
            raise CallOrderError(
                "write_restart was called before generate, step or read_restart: there is nothing "
                "to go on from"
            )
        write_restart(Path(path), self._clock, self._identity())

    def read_restart(self, path: str) -> str:
        """Go on where another coupler has stopped; a note if not with the same noise."""
        self._clock, note = read_restart(Path(path), self._identity())
        return note

    def _identity(self) -> dict[str, Any]:
        """What a restart is held against."""
        return {
            "emulator_sha256": self._emulator.checkpoint_sha256,
            "mask_sha256": self._grid.mask_hash,
            "seed": self._config.ensemble.seed,
            "conserve": self._config.forecast.conserve,
        }

    def provenance(self) -> dict[str, Any]:
        return super().provenance() | {"step_mode": "emulate", **self._identity()}

    def close(self) -> None:
        del self._emulator
        super().close()


def _in_place(
    result: Result, state: State, names: tuple[str, ...], values: np.ndarray
) -> np.ndarray:
    """All bound fields: those of the emulator are new, others are as the host has them."""
    made = values.copy()
    for name, row in zip(state.names, result.values, strict=True):
        made[names.index(name)] = row
    return made
