"""What fills the fields on the generator's rank: a generator, or a loopback to test the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import ConfigError
from .maker import Maker, Member

if TYPE_CHECKING:
    from ..config import Config


@dataclass(frozen=True)
class Result:
    """Fields (field, y, x) float64 in the order asked for, and what is to be told of them.

    Without values the host's arrays stay as they are. `fallbacks` is their number so far; `sha256`
    is of all bits of the values, where a log has one made.
    """

    values: np.ndarray | None
    seconds: float
    cells_out_of_bounds: int = 0
    cells_changed: int = 0
    fallbacks: int = 0
    note: str = ""
    sha256: str = ""


class Engine(Protocol):
    """`drift_location`: where siu and siv live, as in `grid.DRIFT_LOCATIONS`. `hand_over` gives
    what `generate` would, of a member that was made ahead."""

    drift_location: str

    def check_grid(self, nx_global: int, ny_global: int) -> None: ...
    def check_field(self, name: str) -> None: ...
    def take_mask(self, ocean: np.ndarray, owned: np.ndarray) -> str: ...
    def check_covered(self, owned: np.ndarray) -> None: ...
    def generate(
        self, names: tuple[str, ...], values: np.ndarray, member: int, date: int
    ) -> Result: ...
    def hand_over(self, names: tuple[str, ...], made: Member) -> Result: ...
    def step(
        self, names: tuple[str, ...], values: np.ndarray, date: int, seconds: float
    ) -> Result: ...
    def climatology(self, names: tuple[str, ...], date: int) -> Result: ...
    def provenance(self) -> dict[str, Any]: ...
    def close(self) -> None: ...


def build_engine(config: Config, maker: Maker | None) -> Engine:
    """The engine that &coupler_nml asks for; a loopback has no generator."""
    if maker is None:
        return LoopbackEngine()
    if config.coupler.step_mode == "emulate":
        from .emulation import EmulatorEngine

        return EmulatorEngine(config, maker)
    from .generator_engine import GeneratorEngine

    return GeneratorEngine(config, maker)


class LoopbackEngine:
    """Gives back what it gets, on any grid, for any field name, without torch."""

    drift_location = "northeast"

    def check_grid(self, nx_global: int, ny_global: int) -> None:
        """Any grid will do."""

    def check_field(self, name: str) -> None:
        """Any name will do."""

    def take_mask(self, ocean: np.ndarray, owned: np.ndarray) -> str:
        """Land and ocean are the same to a loopback."""
        return ""

    def check_covered(self, owned: np.ndarray) -> None:
        """Cells without owner stay where they are."""

    def generate(
        self, names: tuple[str, ...], values: np.ndarray, member: int, date: int
    ) -> Result:
        return Result(values, seconds=0.0)

    def hand_over(self, names: tuple[str, ...], made: Member) -> Result:
        raise ConfigError("a loopback makes nothing ahead: use engine = 'generator'")

    def step(self, names: tuple[str, ...], values: np.ndarray, date: int, seconds: float) -> Result:
        return Result(values, seconds=0.0)

    def climatology(self, names: tuple[str, ...], date: int) -> Result:
        raise ConfigError("a loopback has no climatology: use engine = 'generator'")

    def provenance(self) -> dict[str, Any]:
        return {"engine": "loopback"}

    def close(self) -> None:
        """Nothing is held."""
