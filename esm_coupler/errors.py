"""The one family of errors, each with the status that a Fortran or C host sees."""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """Mirror of `enum esm_status` in `esm_coupler.h` (held equal by a test)."""

    OK = 0
    NOT_STARTED = 1
    ALREADY_STARTED = 2
    STOPPED = 3
    NO_GENERATOR = 4
    INTERPRETER = 5
    MPI = 6
    CONFIG = 7
    CHECKPOINT = 8
    DOMAIN = 9
    FIELD = 10
    VALUE = 11
    ORDER = 12
    MEMORY = 13
    FAILED = 14
    TIME = 15
    LOST = 16


class EsmCouplerError(Exception):
    """What a user can mend: one sentence that names the thing, the value, what is allowed."""

    status = Status.FAILED


class ConfigError(EsmCouplerError):
    status = Status.CONFIG


class CheckpointError(EsmCouplerError):
    status = Status.CHECKPOINT


class DomainError(EsmCouplerError):
    status = Status.DOMAIN


class FieldError(EsmCouplerError):
    status = Status.FIELD


class InvalidValueError(EsmCouplerError):
    status = Status.VALUE


class DataError(EsmCouplerError):
    """A file of a model or of a satellite that cannot be read, or holds what cannot be."""

    status = Status.VALUE


class GeneratedStateError(InvalidValueError):
    """What the generator itself made is no sea ice: no argument of a caller's is at fault."""


class CallOrderError(EsmCouplerError):
    status = Status.ORDER


class MpiError(EsmCouplerError):
    status = Status.MPI


class InterpreterError(EsmCouplerError):
    status = Status.INTERPRETER


class TimeLimitError(EsmCouplerError):
    """A call took longer than the user allows."""

    status = Status.TIME


class RanksLostError(EsmCouplerError):
    """Some ranks did not come to a meeting point: dead, stuck, or elsewhere."""

    status = Status.LOST


class RestartError(EsmCouplerError):
    """A restart file of a host model that cannot be read, or that its model would not accept."""

    status = Status.FIELD


class OutputError(EsmCouplerError):
    """A file that exists, cannot be written, or did not fit on the disk."""
