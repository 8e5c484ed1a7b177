"""One coupler: its blocks, its fields, and the phases of each call.

Every method that other ranks take part in is a generator function: `yield` marks a meeting point
(see agree.py). Between two of them there may be MPI on buffers that exist, and after it work of
this rank alone, never before it: a rank whose work fails must not leave others waiting in MPI.
What a call changes for good is assigned after its last `yield`.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CallOrderError, ConfigError, DomainError, FieldError, InvalidValueError
from .agree import Agreement, Phases
from .crew import Crew
from .device import GENERATOR_RANK
from .domain import (
    Block,
    Domain,
    check_blocks,
    check_owned_once,
    from_table,
    largest,
    to_table,
)
from .forcing import Forcing
from .halo import Halo, HaloFill
from .maker import Maker
from .masks import as_mask
from .mpi import MPI
from .record import FORMAT, Recorder
from .route import Route
from .same import first_name, padded_name, require_same
from .seating import take_seats
from .settings import Settings, SharedSettings
from .views import HostArray

if TYPE_CHECKING:
    from ..config import Config
    from .emulation import EmulatorEngine
    from .engine import Engine, Result
    from .fallback import Fallback
    from .journal import Journal

DIAGNOSTICS = ("seconds", "cells_out_of_bounds", "cells_changed", "fallbacks")

# What all ranks are told of a result.
_REPORT = np.dtype(
    [("diagnostics", "f8", len(DIAGNOSTICS)), ("has_values", "?"), ("sha256", "S64")]
)


class Session:
    """What Python holds of one coupler on one rank, from esm_start to esm_stop."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.lock = threading.Lock()  # calls from several threads of a host: one after another
        self.domain: Domain | None = None
        self.arrays: dict[str, HostArray] = {}
        self.forcing = Forcing()
        self.views: list[np.ndarray] = []
        self.diagnostics = {"calls": 0.0, **dict.fromkeys(DIAGNOSTICS, 0.0)}
        self.recorder = Recorder()
        self.texts = {"sha256": "", "provenance": ""}  # for the host's own files
        self._comm = agreement.comm
        self._is_root = agreement.rank == GENERATOR_RANK
        self._reads_on_generate = False
        self._fills_halo = False
        self._halo_fill: HaloFill = "none"  # known on the generator's rank only
        self._covered = False
        self._route: Route
        self._crew: Crew
        self._emulation: EmulatorEngine | None = None  # the engine, where that is one
        self._engine: Engine  # on the generator's rank only, as are the next two
        self._fallback: Fallback
        self._journal: Journal

    def start(self, namelist: str, overrides: Sequence[str] = ()) -> Phases:
        """Read the namelist, with such as 'generator_nml.n_steps=4' over it, and load the
        generator, on its rank. No time limit holds for that."""
        shared = SharedSettings()
        config = None
        if self._is_root:
            from ..config import read_namelist
            from .journal import Journal

            config = read_namelist(namelist, overrides)
            self._journal = Journal(config.coupler.log_file)
        seats = yield from take_seats(self._comm, config)
        maker = Maker(seats.own, self._comm.deadline.check) if seats.own else None
        crew = Crew(self._comm, seats.count, maker)
        if config is not None:
            self._take_charge(config, seats.text, maker)
            shared.put(Settings.of(config, self._engine))
        yield from crew.check()
        yield
        shared.share(self._comm, GENERATOR_RANK)
        settings = shared.get()
        self.recorder.open(settings.record, self.agreement.rank, settings.record_mb)
        self.recorder.begin(
            "start", format=FORMAT, ranks=self.agreement.size,
            provenance=json.loads(settings.provenance),
            namelist="" if config is None else config.text,
        )  # fmt: skip
        yield
        self._crew = crew
        self._reads_on_generate = settings.reads_on_generate
        self.forcing = Forcing(settings.forcing)
        self._fills_halo = settings.fills_halo
        self.texts["provenance"] = settings.provenance
        self.diagnostics["drift_at_corners"] = float(settings.drift_at_corners)
        self._comm.deadline.allow(settings.time_limit)

    def _take_charge(self, config: Config, places: str, maker: Maker | None) -> None:
        """What the first rank alone has: the engine, what answers its failures, and the log."""
        from .emulation import EmulatorEngine
        from .engine import build_engine
        from .fallback import Fallback

        self._engine = build_engine(config, maker)
        self._emulation = self._engine if isinstance(self._engine, EmulatorEngine) else None
        self._fallback = Fallback(config.coupler, self._comm.deadline.check)
        self._halo_fill = config.coupler.halo_fill
        self._journal.begin(places, self._engine.provenance())

    def set_domain(
        self, nx_global: int, ny_global: int, halo: int, blocks: tuple[Block, ...]
    ) -> Phases:
        """Learn every rank's blocks; the generator's rank holds them against each other."""
        self.recorder.begin(
            "set_domain", nx_global=nx_global, ny_global=ny_global, halo=halo,
            blocks=[[b.i_first, b.j_first, b.nx, b.ny] for b in blocks],
        )  # fmt: skip
        if self.domain is not None:
            raise CallOrderError(
                "set_domain was called before: a new decomposition needs stop and a new start"
            )
        check_blocks(nx_global, ny_global, halo, blocks)
        headers = yield from self._headers([nx_global, ny_global, halo], blocks)
        owned = yield from self._owned_blocks(blocks, headers[:, 3])
        greatest = int(headers[:, 4].max()), int(headers[:, 5].max())
        domain = Domain(nx_global, ny_global, halo, blocks, greatest)
        if owned is not None:
            self._engine.check_grid(nx_global, ny_global)
            check_owned_once(owned, nx_global, ny_global)
        route = Route(self._comm, domain, self._fills_halo, owned, self._make_halo(domain))
        if self.forcing.names:
            self.forcing.travel_by(Route(self._comm, domain, fills_halo=False, blocks=owned))
        yield
        self.domain, self._route = domain, route

    def _make_halo(self, domain: Domain) -> Halo | None:
        """What halo cells are filled from, on the generator's rank; None if they are not."""
        if self._halo_fill == "none":
            return None
        location = self._engine.drift_location
        return Halo(self._halo_fill, location, domain.nx_global, domain.ny_global)

    def _headers(
        self, grid: Sequence[int], blocks: Sequence[Block]
    ) -> Generator[None, None, np.ndarray]:
        """(rank, 6): nx_global, ny_global, halo, number of blocks, largest nx and ny."""
        own = np.array([*grid, len(blocks), *largest(blocks)], np.int64)
        headers = np.zeros((self.agreement.size, own.size), np.int64)
        yield
        self._comm.Allgather(own, headers)
        yield
        require_same(headers[:, :3], ("nx_global", "ny_global", "halo"), DomainError)
        return headers

    def _owned_blocks(
        self, blocks: Sequence[Block], n_blocks: np.ndarray
    ) -> Generator[None, None, list[list[Block]] | None]:
        """blocks[rank] of all ranks, on the generator's rank; None elsewhere."""
        mine = to_table(blocks)
        counts = 4 * n_blocks
        table = np.zeros(int(counts.sum()) if self._is_root else 0, np.int64)
        layout = [table, counts, np.cumsum(counts) - counts, MPI.INT64_T]
        yield
        self._comm.Gatherv(mine, layout if self._is_root else None, root=GENERATOR_RANK)
        yield
        return from_table(table, n_blocks) if self._is_root else None

    def set_mask(self, ocean: HostArray) -> Phases:
        """Hold the generator to the host's mask, an array of 0 and 1."""
        self.recorder.begin("set_mask", {"mask": ocean.view})
        domain = self._need_domain("set_mask")
        domain.check_extents("the mask", ocean.extents)
        ocean.renew(domain)
        route = self._route
        route.reserve(("mask",))
        route.pack([ocean])
        yield
        route.gather()
        yield
        note = ""
        if self._is_root:
            note = self._engine.take_mask(as_mask(route.values[0]), route.owned())
        return note

    def bind(self, array: HostArray) -> Phases:
        """Add an array of the host to what generate and step work on."""
        kind = str(array.view.dtype)
        self.recorder.begin("bind", name=array.name, kind=kind, extents=array.extents)
        domain = self._need_domain("bind")
        name = padded_name(array.name)
        agreed = name.copy()
        self._check_new(array, domain)
        array.renew(domain)
        yield
        self._comm.Bcast(agreed, root=GENERATOR_RANK)
        yield
        if not np.array_equal(agreed, name):
            raise FieldError(
                f"'{array.name}' is bound here and '{first_name(agreed)}' on "
                f"rank {GENERATOR_RANK}: bind the same fields in the same order on all ranks"
            )
        if self._is_root:
            self._engine.check_field(array.name)
        yield
        kept = self.forcing.arrays if array.name in self.forcing.names else self.arrays
        kept[array.name] = array
        self.diagnostics[f"address_of_{array.name}"] = float(array.view.ctypes.data)  # no copy
        self._keep_views()

    def _check_new(self, array: HostArray, domain: Domain) -> None:
        if array.name in self._all_arrays():
            raise FieldError(f"field '{array.name}' is bound already: bind each field once")
        domain.check_extents(f"'{array.name}'", array.extents)
        for other in self._all_arrays().values():
            if array.overlaps(other):
                raise FieldError(
                    f"'{array.name}' lies on the memory of '{other.name}': give each its own array"
                )

    def generate(self, member: int, date: int) -> Phases:
        """Fill the bound arrays with a member."""
        self.recorder.begin("generate", self._bound(), member=member, date=date)
        numbers = np.array([[member, date, self._crew.has(member, date)]], np.int64)
        everyone = yield from self._prepare("generate", numbers, ("member", "date"))
        keepers = np.flatnonzero(everyone[:, 2])
        # An engine that doesn't read gets the buffer as it is, and does not look at it.
        values = (yield from self._collect()) if self._reads_on_generate else self._route.values
        yield from self._take_forcing()
        if self._emulation is not None:
            self._emulation.begin(member, date)
        made, note = None, ""
        if keepers.size:
            made = yield from self._crew.bring(int(keepers[0]), member, date)
        else:
            note = self._crew.make_ahead(member, date)
        result = None
        if self._is_root:
            names, engine = tuple(self.arrays), self._engine
            result = self._fallback.generate(
                lambda: (
                    engine.hand_over(names, made)
                    if made is not None
                    else engine.generate(names, values, member, date)
                ),
                lambda: engine.climatology(names, date),
            )
            result = self._journal.record("generate", f"member {member} date {date}", result)
        return (yield from self._hand_out(result)) or note

    def step(self, date: int, seconds: float) -> Phases:
        """Take the bound arrays forward."""
        self.recorder.begin("step", self._bound(), date=date, seconds=seconds)
        numbers = np.array([[date, seconds]], np.float64)
        yield from self._prepare("step", numbers, ("date", "seconds"))
        values = yield from self._collect()
        yield from self._take_forcing()
        result = None
        if self._is_root:
            names = tuple(self.arrays)
            result = self._fallback.step(lambda: self._engine.step(names, values, date, seconds))
            result = self._journal.record("step", f"date {date} seconds {seconds}", result)
        return (yield from self._hand_out(result))

    def _prepare(
        self, call: str, numbers: np.ndarray, names: Sequence[str]
    ) -> Generator[None, None, np.ndarray]:
        """Buffers for all bound fields; the same numbers on all ranks, as far as they have names;
        no ocean without owner. Gives everyone's numbers (rank, number)."""
        self._need_domain(call)
        if not self.arrays:
            raise CallOrderError(f"{call} has nothing to work on: bind at least one field before")
        if self._route.names != tuple(self.arrays):
            self._route.reserve(tuple(self.arrays))
        self.forcing.reserve()
        everyone = np.zeros((self.agreement.size, numbers.size), numbers.dtype)
        yield
        self._comm.Allgather(numbers, everyone)
        require_same(everyone[:, : len(names)], names, InvalidValueError)
        if self._is_root and not self._covered:
            self._engine.check_covered(self._route.owned())
        return everyone

    def _collect(self) -> Generator[None, None, np.ndarray]:
        """Bring the bound arrays together: (field, y, x) on the generator's rank."""
        self._route.pack(list(self.arrays.values()))
        yield
        self._route.gather()
        # Off the root nobody looks at the values: they are handed to an engine, and only the root
        # has one. Its buffer is empty there, so that no rank holds the global grid for nothing.
        return self._route.values

    def _take_forcing(self) -> Phases:
        """Bring what is bound of it to the engine that wants it."""
        forcing = yield from self.forcing.collect()
        if self._emulation is not None:
            self._emulation.take_forcing(forcing)

    def _hand_out(self, result: Result | None) -> Phases:
        """Send the result to all ranks, and write it once all of them have it. Its note, where
        there is a result."""
        report = np.zeros(1, _REPORT)
        if result is not None:
            numbers = tuple(getattr(result, name) for name in DIAGNOSTICS)
            report[0] = numbers, result.values is not None, result.sha256
        if result is not None and result.values is not None:
            self._route.stage(result.values)
        yield
        self._comm.Bcast(report.view(np.uint8), root=GENERATOR_RANK)
        numbers, has_values, sha256 = report[0]
        if has_values:
            self._route.scatter()
        yield
        if has_values:
            self._route.deliver(list(self.arrays.values()))
        self._covered = True
        if self._emulation is not None:
            self._emulation.commit()
        self.diagnostics.update(zip(DIAGNOSTICS, numbers.tolist(), strict=True))
        self.texts["sha256"] = sha256.decode()
        self.diagnostics["calls"] += 1.0
        return result.note if result is not None else ""

    def write_restart(self, path: str) -> Phases:
        """Write what the next step has to know beside the host's fields; the first rank's path."""
        self.recorder.begin("write_restart", path=path)
        self._need_domain("write_restart")
        yield
        if self._is_root:
            self._need_emulation("write_restart").write_restart(path)

    def read_restart(self, path: str) -> Phases:
        """Go on from what write_restart wrote; the first rank's path."""
        self.recorder.begin("read_restart", self._content(path), path=path)
        self._need_domain("read_restart")
        yield
        return self._need_emulation("read_restart").read_restart(path) if self._is_root else ""

    def _content(self, path: str) -> dict[str, np.ndarray]:
        """The bytes of a restart, for a recording: a replay has no such file."""
        with suppress(OSError):  # said by what reads it
            if self._is_root:
                return {"restart": np.fromfile(path, np.uint8)}
        return {}

    def stop(self) -> Phases:
        """Forget the host's arrays and free the generator."""
        self.recorder.begin("stop")
        yield
        self.forget()

    def forget(self) -> None:
        """The part of a stop that needs no other rank. Nobody ends the interpreter, which would
        flush what user code has printed."""
        if self.domain is not None and not self._comm.lost:
            self._route.free()
            self.forcing.free()
        self.arrays.clear()
        self.forcing.arrays.clear()
        self.views.clear()
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        if self._is_root:
            self._engine.close()
            self._journal.close()
        self._crew.close()

    def renew_views(self) -> None:
        """Make all views anew, as if the arrays had just been bound."""
        if self.domain is not None:
            for array in self._all_arrays().values():
                array.renew(self.domain)
            self._keep_views()

    def _bound(self) -> dict[str, np.ndarray]:
        return {name: array.view for name, array in self._all_arrays().items()}

    def _all_arrays(self) -> dict[str, HostArray]:
        return {**self.arrays, **self.forcing.arrays}

    def _keep_views(self) -> None:
        self.views = [array.view for array in self._all_arrays().values() if array.n_bytes]

    def _need_emulation(self, call: str) -> EmulatorEngine:
        if self._emulation is None:
            raise ConfigError(
                f"{call} is for a coupler that emulates, which has a memory: set step_mode = "
                f"'emulate' in &coupler_nml"
            )
        return self._emulation

    def _need_domain(self, call: str) -> Domain:
        if self.domain is None:
            raise CallOrderError(f"{call} was called before set_domain: say first which blocks")
        return self.domain
