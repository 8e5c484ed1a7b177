"""How the ranks of a coupler find their generators' places: each tells, the first one decides."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ConfigError
from .device import GENERATOR_RANK
from .mpi import MPI
from .patient import PatientComm
from .places import Place, Told, assign, map_text
from .visible import visible_gpus

if TYPE_CHECKING:
    from ..config import Config


@dataclass(frozen=True)
class Seat:
    """A generator's: its `number` of `count`, what it shall be, and the number of its GPU among
    those that the rank sees, None for the CPU or what torch takes of itself."""

    number: int
    count: int
    config: Config
    gpu: int | None = None


@dataclass(frozen=True)
class Seats:
    """What a rank knows of them: how many there are, none with a loopback; its own if it has one;
    and on the first rank the map of all as a text."""

    count: int
    own: Seat | None = None
    text: str = ""


def take_seats(comm: PatientComm, config: Config | None) -> Generator[None, None, Seats]:
    """The phases (see agree.py) after which each rank knows whether it holds a generator. `config`
    is known on the first rank only, None elsewhere; ranks with a generator get it here."""
    node, gpus = np.array([comm.Get_rank()]), visible_gpus()
    yield
    _find_node(comm, node)
    own = json.dumps([int(node[0]), MPI.Get_processor_name(), gpus])
    texts = yield from gather_texts(comm, own)
    # number of the own generator and of its GPU, -1 for none; number of all generators; text bytes
    rows, row = np.tile(np.array([-1, -1, 0, 0]), (len(texts), 1)), np.zeros(4, np.int64)
    text, sent = "", b""
    if config is not None and config.coupler.engine == "generator":
        told = [Told(number, name, tuple(gpus)) for number, name, gpus in map(json.loads, texts)]
        c = config.coupler
        places = assign(
            told, config.generator.device, c.members_ahead, c.generator_ranks, c.ranks_per_gpu
        )
        text = map_text(told, places)
        sent = json.dumps([config.text, config.source, config.overrides]).encode()
        _write(rows, places, len(sent))
    yield
    comm.Scatter(rows, row, root=GENERATOR_RANK)
    number, gpu, count, size = row.tolist()
    if count > 1:
        namelist = np.frombuffer(sent or bytes(size), np.uint8).copy()
        yield
        comm.Bcast(namelist, root=GENERATOR_RANK)
        if number > 0:
            config = _parsed(namelist.tobytes())
    if number < 0 or config is None:
        return Seats(count)
    return Seats(count, Seat(number, count, config, None if gpu < 0 else gpu), text)


def _write(rows: np.ndarray, places: Sequence[Place], n_bytes: int) -> None:
    """What each rank is told: see `take_seats`."""
    rows[:, 2:] = len(places), n_bytes
    for number, place in enumerate(places):
        rows[place.rank, :2] = number, -1 if place.gpu is None else place.gpu


def _find_node(comm: PatientComm, node: np.ndarray) -> None:
    """Give `node`, which holds this rank, the lowest rank of those that share memory with it."""
    local = MPI.Intracomm(comm).Split_type(MPI.COMM_TYPE_SHARED, comm.Get_rank())
    local.Bcast(node, root=0)
    local.Free()


def _parsed(sent: bytes) -> Config:
    from ..config import parse_namelist

    text, source, overrides = json.loads(sent)
    return parse_namelist(text, source, overrides)


def gather_texts(comm: PatientComm, text: str) -> Generator[None, None, list[str]]:
    """The texts of all ranks on the first one, nothing elsewhere; phases."""
    mine = np.frombuffer(text.encode(), np.uint8)
    size, sizes = np.array([mine.size]), np.zeros(comm.Get_size(), np.int64)
    is_root = comm.Get_rank() == GENERATOR_RANK
    yield
    comm.Allgather(size, sizes)
    ends = np.cumsum(sizes)
    table = np.zeros(int(ends[-1]) if is_root else 0, np.uint8)
    layout = [table, sizes, ends - sizes, MPI.BYTE] if is_root else None
    yield
    comm.Gatherv(mine, layout, root=GENERATOR_RANK)
    if not is_root:
        return []
    pieces = np.split(table, ends[:-1])
    return [piece.tobytes().decode() for piece in pieces]


def require_alike(told: Sequence[str]) -> None:
    """ConfigError unless all generators, which told what their bits depend on, are alike; ranks
    without one told nothing."""
    for rank, text in enumerate(told):
        if text and text != told[GENERATOR_RANK]:
            raise ConfigError(
                f"the generator of rank {rank} is {text}, that of rank {GENERATOR_RANK} is "
                f"{told[GENERATOR_RANK]}: members would differ in bits by where they are made; use "
                "GPUs of one kind and one checkpoint, or generator_ranks = 1 in &coupler_nml"
            )
