"""What every rank has to know of the namelist, which only the first one reads."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..fields import FORCINGS
from .mpi import MPI

if TYPE_CHECKING:
    from ..config import Config
    from .engine import Engine

_BYTES = 16384


@dataclass(frozen=True)
class Settings:
    """`reads_on_generate`: the host's fields are wanted before a member; `forcing`: names of fields
    that are read only; `drift_at_corners`: where the engine's drift is, else at cell centres;
    `time_limit` of each call after start [s], 0 for none; `record`, the folder of a recording of at
    most `record_mb` [MB] a rank, or nothing; `provenance`: what the engine's bits depend on, as
    JSON."""

    reads_on_generate: bool = False
    forcing: tuple[str, ...] = ()
    fills_halo: bool = False
    drift_at_corners: bool = True
    time_limit: float = 0.0
    record: str = ""
    record_mb: int = 0
    provenance: str = ""

    @classmethod
    def of(cls, config: Config, engine: Engine) -> Settings:
        """What the namelist and the engine say of them."""
        options = config.coupler
        reads = options.engine == "loopback" or config.generator.mode == "perturb"
        fills, corners = options.halo_fill != "none", engine.drift_location == "northeast"
        forcing = tuple(FORCINGS) if options.step_mode == "emulate" else ()
        limits = options.time_limit, options.record, options.record_mb
        return cls(reads, forcing, fills, corners, *limits, json.dumps(engine.provenance()))


class SharedSettings:
    """A buffer for the settings, made before the ranks agree that the first one has them."""

    def __init__(self) -> None:
        self._buffer = np.zeros(_BYTES, np.uint8)

    def put(self, settings: Settings) -> None:
        """On the rank that knows them."""
        text = json.dumps(asdict(settings)).encode()
        self._buffer[: len(text)] = np.frombuffer(text, np.uint8)

    def share(self, comm: MPI.Comm, root: int) -> None:
        """Bring the settings of `root` to all ranks; collective."""
        comm.Bcast(self._buffer, root=root)

    def get(self) -> Settings:
        """What was shared."""
        values = json.loads(self._buffer.tobytes().rstrip(b"\0"))
        return Settings(**values | {"forcing": tuple(values["forcing"])})
