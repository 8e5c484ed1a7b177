"""What the first rank alone has: the engine, what answers its failures, and the log."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError
from .emulation import EmulatorEngine
from .engine import Result, build_engine
from .fallback import Fallback
from .halo import Halo
from .settings import Settings

if TYPE_CHECKING:
    from ..config import Config
    from .domain import Domain
    from .journal import Journal
    from .maker import Maker, Member


class FirstRank:
    """Answers a host's calls, once the fields of all ranks are together."""

    def __init__(
        self,
        config: Config,
        journal: Journal,
        places: str,
        maker: Maker | None,
        check_time: Callable[[], None],
    ) -> None:
        """`places`: the map of generators as a text. `check_time` raises where a call takes too
        long."""
        self.engine = build_engine(config, maker)
        self.settings = Settings.of(config, self.engine)
        self._emulation = self.engine if isinstance(self.engine, EmulatorEngine) else None
        self._fallback = Fallback(config.coupler, check_time)
        self._halo_fill = config.coupler.halo_fill
        self._journal = journal
        journal.begin(places, self.engine.provenance())

    def make_halo(self, domain: Domain) -> Halo | None:
        """What halo cells are filled from; None if they are not."""
        if self._halo_fill == "none":
            return None
        location = self.engine.drift_location
        return Halo(self._halo_fill, location, domain.nx_global, domain.ny_global)

    def take_forcing(self, forcing: Mapping[str, np.ndarray]) -> None:
        """What is bound of it in this call, (y, x) by name, for an engine that wants it."""
        if self._emulation is not None:
            self._emulation.take_forcing(forcing)

    def begin(self, member: int, date: int) -> None:
        """Where a member is made, an emulator's next step goes on."""
        if self._emulation is not None:
            self._emulation.begin(member, date)

    def generate(
        self, names: tuple[str, ...], values: np.ndarray, made: Member | None,
        member: int, date: int,
    ) -> Result:  # fmt: skip
        """A member for the fields `names`; `made` if it was made ahead, else it is made now."""
        engine = self.engine
        result = self._fallback.generate(
            lambda: (
                engine.hand_over(names, made)
                if made is not None
                else engine.generate(names, values, member, date)
            ),
            lambda: engine.climatology(names, date),
        )
        return self._journal.record("generate", f"member {member} date {date}", result)

    def step(self, names: tuple[str, ...], values: np.ndarray, date: int, seconds: float) -> Result:
        """`values` (field, y, x), `seconds` later."""
        result = self._fallback.step(lambda: self.engine.step(names, values, date, seconds))
        return self._journal.record("step", f"date {date} seconds {seconds}", result)

    def commit(self) -> None:
        """The call went well on all ranks."""
        if self._emulation is not None:
            self._emulation.commit()

    def emulation(self, call: str) -> EmulatorEngine:
        """The engine, for a call that only an emulator answers; ConfigError for another."""
        if self._emulation is None:
            raise ConfigError(
                f"{call} is for a coupler that emulates, which has a memory: set step_mode = "
                f"'emulate' in &coupler_nml"
            )
        return self._emulation

    def close(self) -> None:
        """Free the generator, end the log."""
        self.engine.close()
        self._journal.close()
