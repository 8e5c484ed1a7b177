"""What an exception means to a host: a status and a text."""

from __future__ import annotations

import re
import sys
import traceback
from dataclasses import dataclass

from ..errors import EsmCouplerError, Status
from .libraries import loaded_libraries

_MISSING_SYMBOL = re.compile(r"(GLIBCXX_[\d.]+|CXXABI_[\d.]+)")
_TORCH_OUT_OF_MEMORY = ("not enough memory", "can't allocate memory", "out of memory")


class NotStartedError(EsmCouplerError):
    status = Status.NOT_STARTED


class StoppedError(EsmCouplerError):
    status = Status.STOPPED


@dataclass(frozen=True)
class Verdict:
    """How a call went on one rank, or on all of them; with Status.OK the text is a note."""

    status: Status
    text: str = ""


WELL = Verdict(Status.OK)


def explain(error: BaseException) -> Verdict:
    """Status and text of any exception; a traceback only for what no user could mend."""
    try:
        return _explain(error)
    except BaseException:  # formatting itself can run out of memory, and must not raise
        return Verdict(Status.MEMORY, "out of memory, even for the text of the error")


def _explain(error: BaseException) -> Verdict:
    if isinstance(error, EsmCouplerError):
        return Verdict(error.status, str(error))
    if _is_out_of_memory(error):
        return Verdict(Status.MEMORY, f"out of memory: {error}\n{_trace(error)}")
    if isinstance(error, ImportError):
        return Verdict(Status.INTERPRETER, _explain_import(error))
    if isinstance(error, SystemExit):
        return Verdict(Status.FAILED, f"Python called sys.exit({error.code!r})\n{_trace(error)}")
    status = Status.MPI if _is_from(error, "mpi4py") else Status.FAILED
    return Verdict(status, f"{type(error).__name__}: {error}\n{_trace(error)}")


def _is_out_of_memory(error: BaseException) -> bool:
    """torch raises RuntimeErrors: told by their text, because most ranks never import torch."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(s in str(error) for s in _TORCH_OUT_OF_MEMORY)


def _is_from(error: BaseException, package: str) -> bool:
    return type(error).__module__.partition(".")[0] == package


def _explain_import(error: ImportError) -> str:
    symbol = _MISSING_SYMBOL.search(str(error))
    if symbol:
        found = ", ".join(loaded_libraries().get("libstdc++", ["no libstdc++"]))
        return (
            f"a Python package needs {symbol.group(1)}, which the C++ library of this executable "
            f"({found}) is too old for: put the directory of a newer libstdc++.so.6 first in "
            f"LD_LIBRARY_PATH, or link the host with a newer compiler ({error})"
        )
    if isinstance(error, ModuleNotFoundError) and error.name:
        return (
            f"Python package '{error.name}' is missing from {sys.prefix}: install it there, "
            f"or name another interpreter with python = '...' in &coupler_nml"
        )
    return f"{error}\n{_trace(error)}"


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))
