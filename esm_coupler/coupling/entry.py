"""The functions behind the C ABI: each has the arguments of its namesake in esm_coupler.h and
gives its status + 1, because cffi gives 0 where Python could not be called."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..errors import DomainError, FieldError, InvalidValueError, Status
from .agree import Agreement, Phases, run
from .domain import Block
from .failure import NotStartedError, StoppedError, Verdict, explain
from .mpi import MPI, require_mpi
from .patient import PatientComm
from .session import Session
from .views import HostArray, real_kind

_ffi: Any = None  # cffi's pair, from `register`
_lib: Any = None
_numbers = itertools.count(1)
_running: dict[int, Session] = {}
_stopped: set[int] = set()
_WELL = Status.OK + 1
_Value = TypeVar("_Value")


def register(ffi: Any, lib: Any) -> None:
    """Put these functions behind the C ones. What Python would print goes to its logs instead:
    the terminal is the host's."""
    global _ffi, _lib
    _ffi, _lib = ffi, lib
    logging.captureWarnings(True)
    logging.getLogger().addHandler(logging.NullHandler())
    for function in _FUNCTIONS:
        ffi.def_extern(name=f"esm_python_{function.__name__}")(function)


def start(coupler: Any, fortran_comm: int, namelist: Any) -> int:
    """`fortran_comm` is a duplicate, and Python's to free from here on. The C side has seen to it
    that *coupler is 0."""
    try:
        require_mpi()
        session = Session(Agreement(PatientComm(MPI.Comm.f2py(fortran_comm))))
        path = os.fsdecode(_ffi.string(namelist))
        verdict = run("start", lambda: session.start(path), session.agreement)
        verdict = session.recorder.end("start", verdict)
        if verdict.status:
            session.agreement.comm.Free()
        else:
            coupler[0] = next(_numbers)
            _running[coupler[0]] = session
    except BaseException as error:
        verdict = explain(error)
    return _answer(verdict)


def set_domain(
    coupler: int, nx_global: int, ny_global: int, n_blocks: int,
    i_first: Any, j_first: Any, nx: Any, ny: Any, halo: int,
) -> int:  # fmt: skip
    def call(session: Session) -> Phases:
        if n_blocks < 0:
            raise DomainError(f"n_blocks is {n_blocks}: a rank has 0 or more")
        columns = (_integers(pointer, n_blocks) for pointer in (i_first, j_first, nx, ny))
        blocks = tuple(Block(*numbers) for numbers in zip(*columns, strict=True))
        return (yield from session.set_domain(nx_global, ny_global, halo, blocks))

    return _collective("set_domain", coupler, call)


def set_mask(coupler: int, ocean: Any, rank: int, shape: Any) -> int:
    def call(session: Session) -> Phases:
        mask = HostArray(_ffi, "mask", ocean, np.int32, _extents("mask", rank, shape))
        return (yield from session.set_mask(mask))

    return _collective("set_mask", coupler, call)


def bind(coupler: int, name: Any, data: Any, item_size: int, rank: int, shape: Any) -> int:
    def call(session: Session) -> Phases:
        if name == _ffi.NULL:
            raise FieldError("the name of a field to bind is NULL: pass a text such as 'sic'")
        field = _text(name)
        kind = real_kind(field, item_size)
        array = HostArray(_ffi, field, data, kind, _extents(field, rank, shape))
        return (yield from session.bind(array))

    return _collective("bind", coupler, call)


def generate(coupler: int, member: int, date: int) -> int:
    return _collective("generate", coupler, lambda session: session.generate(member, date))


def step(coupler: int, date: int, seconds: float) -> int:
    return _collective("step", coupler, lambda session: session.step(date, seconds))


def write_restart(coupler: int, path: Any) -> int:
    return _collective(
        "write_restart", coupler, lambda session: session.write_restart(_path(path))
    )


def read_restart(coupler: int, path: Any) -> int:
    return _collective("read_restart", coupler, lambda session: session.read_restart(_path(path)))


def diagnostic(coupler: int, name: Any, value: Any) -> int:
    """Local: all ranks have the same numbers already."""
    try:
        number = _named(_session(coupler).diagnostics, name, "diagnostic")
        if value == _ffi.NULL:
            raise InvalidValueError(
                f"the value of diagnostic '{_text(name)}' is NULL: pass the address of a double"
            )
        value[0] = number
    except BaseException as error:
        return _answer(explain(error))
    return _WELL


def _named(values: dict[str, _Value], name: Any, kind: str) -> _Value:
    """The diagnostic or text of this name, a text of C."""
    known = ", ".join(values)
    if name == _ffi.NULL:
        raise InvalidValueError(f"the name of a {kind} is NULL: choose from {known}")
    if _text(name) not in values:
        raise InvalidValueError(f"{kind} '{_text(name)}' is unknown: choose from {known}")
    return values[_text(name)]


def text(coupler: int, name: Any, into: Any, size: int) -> int:
    """Local: all ranks have the same texts already."""
    try:
        encoded = _named(_session(coupler).texts, name, "text").encode() + b"\0"
        if into == _ffi.NULL or len(encoded) > size:
            raise InvalidValueError(
                f"text '{_text(name)}' takes {len(encoded)} bytes, and there is room for "
                f"{0 if into == _ffi.NULL else size}: pass a longer text"
            )
        _ffi.memmove(into, encoded, len(encoded))
    except BaseException as error:
        return _answer(explain(error))
    return _WELL


def ping(coupler: int, renew_views: int) -> int:
    """Local, and timed by the bench: nothing is here that a call could do without."""
    try:
        session = _running.get(coupler) or _session(coupler)
        if renew_views:
            session.renew_views()
        for view in session.bound.views:
            view.item(0)
    except BaseException as error:
        return _answer(explain(error))
    return _WELL


def stop(coupler: int) -> int:
    """The coupler is gone afterwards, also if its end did not go well."""
    result = _collective("stop", coupler, Session.stop)
    session = _running.get(coupler)
    if session is not None and result != Status.ORDER + 1:
        del _running[coupler]
        _stopped.add(coupler)
        if session.agreement.comm.lost:
            session.forget()
        elif not MPI.Is_finalized():
            session.agreement.comm.Free()
    return result


def _collective(name: str, coupler: int, call: Callable[[Session], Phases]) -> int:
    """Carry a call out on all ranks together. Nothing that Python raises gets past here."""
    try:
        session = _session(coupler)
        with session.lock:
            require_mpi()
            verdict = run(name, lambda: call(session), session.agreement)
            verdict = session.recorder.end(name, verdict)
    except BaseException as error:
        verdict = explain(error)
    return _answer(verdict)


def _session(coupler: int) -> Session:
    if coupler in _running:
        return _running[coupler]
    if coupler in _stopped:
        raise StoppedError(f"coupler {coupler} was stopped: start a new one")
    raise NotStartedError(f"there is no coupler {coupler}: call esm_start first")


def _answer(verdict: Verdict) -> int:
    _lib.esm_set_message(verdict.text.encode(errors="replace"))
    return verdict.status + 1


def _text(pointer: Any) -> str:
    return _ffi.string(pointer).decode(errors="replace")


def _path(pointer: Any) -> str:
    if pointer == _ffi.NULL:
        raise InvalidValueError("the path of a restart is NULL: pass the path of a file")
    return os.fsdecode(_ffi.string(pointer))


def _extents(name: str, rank: int, shape: Any) -> list[int]:
    """The extents of an array; its rank is looked at first, because C says no length."""
    if rank not in (2, 3):
        raise FieldError(f"'{name}' has rank {rank}: give an array of rank 2 or 3")
    if shape == _ffi.NULL:
        raise FieldError(f"the shape of '{name}' is NULL: pass its {rank} extents")
    return _integers(shape, rank)


def _integers(pointer: Any, count: int) -> list[int]:
    """`count` numbers from C; an empty list needs no memory."""
    if count > 0 and pointer == _ffi.NULL:
        raise InvalidValueError(f"a list of {count} integers has no memory")
    return _ffi.unpack(pointer, count) if count > 0 else []


_FUNCTIONS: tuple[Callable[..., int], ...] = (
    start, set_domain, set_mask, bind, generate, step, write_restart, read_restart, diagnostic,
    text, ping, stop,
)  # fmt: skip
