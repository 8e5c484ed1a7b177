"""What an option allows, in words: read from the dataclass's own annotations and limits."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Literal

from .option_types import Date


def options(kind: type) -> dict[str, Any]:
    """Option name -> pydantic FieldInfo of a group's dataclass, in order."""
    return dict(kind.__pydantic_fields__)  # type: ignore[attr-defined]


def is_list(kind: type, key: str) -> bool:
    """Whether the option takes several values."""
    option = options(kind).get(key)
    return option is not None and typing.get_origin(option.annotation) is tuple


def is_text(kind: type, key: str) -> bool:
    """Whether the option is written in quotes."""
    option = options(kind).get(key)
    return option is not None and (option.annotation is str or bool(choices(option)))


def choices(option: Any) -> tuple[str, ...]:
    """The texts of an option that takes one of a few, else ()."""
    if typing.get_origin(option.annotation) is Literal:
        return typing.get_args(option.annotation)
    return ()


def allowed_value(option: Any) -> str:
    """Such as "an integer from 1 to 9999" or "one of 'auto', 'cpu'"."""
    if choices(option):
        return "one of " + ", ".join(f"'{text}'" for text in choices(option))
    if is_date(option):
        return "a date that exists, as yyyymmdd or 'yyyy-mm-dd'"
    if typing.get_origin(option.annotation) is tuple:
        kind, metadata = _split(typing.get_args(option.annotation)[0])
        return _scalar(kind, metadata).replace("an integer", "one or more integers")
    return _scalar(option.annotation, option.metadata)


def is_date(option: Any) -> bool:
    """Whether the option is a date, yyyymmdd or 'yyyy-mm-dd'."""
    marker = typing.get_args(Date)[1]
    return any(item is marker for item in option.metadata)


def _split(annotation: Any) -> tuple[Any, list[Any]]:
    """(type, constraints) of an Annotated type."""
    kind, *extras = typing.get_args(annotation)
    return kind, [item for extra in extras for item in getattr(extra, "metadata", [extra])]


def _scalar(kind: Any, metadata: list[Any]) -> str:
    if kind is bool:
        return "a logical (.true. or .false.)"
    limits = _limits(metadata)
    if kind is str:
        least = "a text" if "min_length" not in limits else "a non-empty text"
        return f"{least} in quotes of at most {limits['max_length']} characters"
    noun = "an integer" if kind is int else "a finite real number"
    if "multiple_of" in limits:
        noun += f" divisible by {limits['multiple_of']}"
    if "gt" in limits:
        return f"{noun} above {limits['gt']:g} and at most {limits['le']:g}"
    return f"{noun} from {limits['ge']:.10g} to {limits['le']:.10g}"


def _limits(metadata: list[Any]) -> dict[str, Any]:
    limits: dict[str, Any] = {}
    for item in metadata:
        if dataclasses.is_dataclass(item):
            limits |= {f.name: getattr(item, f.name) for f in dataclasses.fields(item)}
    return limits
