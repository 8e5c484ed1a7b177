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
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from ..errors import CallOrderError, FieldError
from .agree import Agreement, Phases
from .bound import BoundArrays
from .crew import Crew
from .decomposition import share_domain
from .device import GENERATOR_RANK
from .domain import Block, Domain, check_blocks, check_owned_once
from .exchange import Exchange
from .forcing import Forcing
from .maker import Maker
from .masks import as_mask
from .record import FORMAT, Recorder
from .report import DIAGNOSTICS
from .route import Route
from .same import first_name, padded_name
from .seating import take_seats
from .settings import SharedSettings
from .views import HostArray

if TYPE_CHECKING:
    from .engine import Result
    from .first_rank import FirstRank


class Session:
    """What Python holds of one coupler on one rank, from esm_start to esm_stop."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.lock = threading.Lock()  # calls from several threads of a host: one after another
        self.domain: Domain | None = None
        self.bound = BoundArrays()
        self.diagnostics = {"calls": 0.0, **dict.fromkeys(DIAGNOSTICS, 0.0)}
        self.recorder = Recorder()
        self.texts = {"sha256": "", "provenance": ""}  # for the host's own files
        self._comm = agreement.comm
        self._first: FirstRank | None = None  # on the first rank only
        self._reads_on_generate = False
        self._fills_halo = False
        self._crew: Crew
        self._exchange: Exchange

    def start(self, namelist: str, overrides: Sequence[str] = ()) -> Phases:
        """Read the namelist, with such as 'generator_nml.n_steps=4' over it, and load the
        generator, on its rank. No time limit holds for that."""
        shared = SharedSettings()
        config = None
        if self.agreement.rank == GENERATOR_RANK:
            from ..config import read_namelist
            from .journal import Journal

            config = read_namelist(namelist, overrides)
            journal = Journal(config.coupler.log_file)
        seats = yield from take_seats(self._comm, config)
        maker = Maker(seats.own, self._comm.deadline.check) if seats.own else None
        crew = Crew(self._comm, seats.count, maker)
        if config is not None:
            from .first_rank import FirstRank

            check_time = self._comm.deadline.check
            self._first = FirstRank(config, journal, seats.text, maker, check_time)
            shared.put(self._first.settings)
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
        self.bound.forcing = Forcing(settings.forcing)
        self._fills_halo = settings.fills_halo
        self.texts["provenance"] = settings.provenance
        self.diagnostics["drift_at_corners"] = float(settings.drift_at_corners)
        self._comm.deadline.allow(settings.time_limit)

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
        domain, owned = yield from share_domain(self._comm, nx_global, ny_global, halo, blocks)
        fill = None
        if self._first is not None and owned is not None:
            self._first.engine.check_grid(nx_global, ny_global)
            check_owned_once(owned, nx_global, ny_global)
            fill = self._first.make_halo(domain)
        route = Route(self._comm, domain, self._fills_halo, owned, fill)
        if self.bound.forcing.names:
            self.bound.forcing.travel_by(Route(self._comm, domain, fills_halo=False, blocks=owned))
        yield
        self.domain = domain
        self._exchange = Exchange(self._comm, self.bound, route, self._first)

    def set_mask(self, ocean: HostArray) -> Phases:
        """Hold the generator to the host's mask, an array of 0 and 1."""
        self.recorder.begin("set_mask", {"mask": ocean.view})
        domain = self._need_domain("set_mask")
        domain.check_extents("the mask", ocean.extents)
        ocean.renew(domain)
        values = yield from self._exchange.mask(ocean)
        if self._first is None:
            return ""
        return self._first.engine.take_mask(as_mask(values[0]), self._exchange.owned())

    def bind(self, array: HostArray) -> Phases:
        """Add an array of the host to what generate and step work on."""
        kind = str(array.view.dtype)
        self.recorder.begin("bind", name=array.name, kind=kind, extents=array.extents)
        domain, name = self._need_domain("bind"), padded_name(array.name)
        agreed = name.copy()
        self.bound.check_new(array, domain)
        array.renew(domain)
        yield
        self._comm.Bcast(agreed, root=GENERATOR_RANK)
        yield
        if not np.array_equal(agreed, name):
            raise FieldError(
                f"'{array.name}' is bound here and '{first_name(agreed)}' on "
                f"rank {GENERATOR_RANK}: bind the same fields in the same order on all ranks"
            )
        if self._first is not None:
            self._first.engine.check_field(array.name)
        yield
        self.bound.keep(array)
        self.diagnostics[f"address_of_{array.name}"] = float(array.view.ctypes.data)  # no copy

    def generate(self, member: int, date: int) -> Phases:
        """Fill the bound arrays with a member."""
        self.recorder.begin("generate", self.bound.by_name(), member=member, date=date)
        numbers = np.array([[member, date, self._crew.has(member, date)]], np.int64)
        self._need_domain("generate")
        everyone = yield from self._exchange.prepare("generate", numbers, ("member", "date"))
        keepers = np.flatnonzero(everyone[:, 2])
        values = yield from self._exchange.collect(self._reads_on_generate)
        if self._first is not None:
            self._first.begin(member, date)
        made, note = None, ""
        if keepers.size:
            made = yield from self._crew.bring(int(keepers[0]), member, date)
        else:
            note = self._crew.make_ahead(member, date)
        result = None
        if self._first is not None:
            result = self._first.generate(self.bound.names, values, made, member, date)
        return (yield from self._hand_out(result)) or note

    def step(self, date: int, seconds: float) -> Phases:
        """Take the bound arrays forward."""
        self.recorder.begin("step", self.bound.by_name(), date=date, seconds=seconds)
        numbers = np.array([[date, seconds]], np.float64)
        self._need_domain("step")
        yield from self._exchange.prepare("step", numbers, ("date", "seconds"))
        values = yield from self._exchange.collect(reads=True)
        result = None
        if self._first is not None:
            result = self._first.step(self.bound.names, values, date, seconds)
        return (yield from self._hand_out(result))

    def _hand_out(self, result: Result | None) -> Phases:
        """Bring the result to all ranks. Its note, where there is a result."""
        report = yield from self._exchange.hand_out(result)
        if self._first is not None:
            self._first.commit()
        self.diagnostics.update(report.diagnostics)
        self.diagnostics["calls"] += 1.0
        self.texts["sha256"] = report.sha256
        return result.note if result is not None else ""

    def write_restart(self, path: str) -> Phases:
        """Write what the next step has to know beside the host's fields; the first rank's path."""
        self.recorder.begin("write_restart", path=path)
        self._need_domain("write_restart")
        yield
        if self._first is not None:
            self._first.emulation("write_restart").write_restart(path)

    def read_restart(self, path: str) -> Phases:
        """Go on from what write_restart wrote; the first rank's path."""
        self.recorder.begin("read_restart", self._content(path), path=path)
        self._need_domain("read_restart")
        yield
        first = self._first
        return first.emulation("read_restart").read_restart(path) if first is not None else ""

    def _content(self, path: str) -> dict[str, np.ndarray]:
        """The bytes of a restart, for a recording: a replay has no such file."""
        with suppress(OSError):  # said by what reads it
            if self._first is not None:
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
            self._exchange.free()
        self.bound.forget()
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        if self._first is not None:
            self._first.close()
        self._crew.close()

    def renew_views(self) -> None:
        """Make all views anew, as if the arrays had just been bound."""
        if self.domain is not None:
            self.bound.renew_views(self.domain)

    def _need_domain(self, call: str) -> Domain:
        if self.domain is None:
            raise CallOrderError(f"{call} was called before set_domain: say first which blocks")
        return self.domain
