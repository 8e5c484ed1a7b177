"""What the options of namelist groups are made of: types with limits, and `option`."""

from __future__ import annotations

import datetime
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

MAX_TEXT = 1024
MAX_INTEGER = 2**31 - 1  # a Fortran default integer
STRICT = ConfigDict(extra="forbid", strict=True)


def _date(value: object) -> int:
    """yyyymmdd of a date given as integer or as 'yyyy-mm-dd'; raises ValueError."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        value = int(value.replace("-", ""))
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("neither yyyymmdd nor 'yyyy-mm-dd'")
    if not 1000_01_01 <= value <= 9999_12_31:
        raise ValueError("a year of four digits is needed")
    datetime.date(value // 10000, value // 100 % 100, value % 100)
    return value


Date = Annotated[int, BeforeValidator(_date)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
NonEmpty = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Positive = Annotated[int, Field(ge=1, le=MAX_INTEGER)]
NotNegative = Annotated[int, Field(ge=0, le=MAX_INTEGER)]
Threads = Annotated[int, Field(ge=1, le=1024)]
Spreads = Annotated[
    tuple[Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)], ...], Field(min_length=1)
]
Years = Annotated[tuple[Annotated[int, Field(ge=1, le=9999)], ...], Field(min_length=1)]


def option(description: str, default: Any = ..., example: Any = None) -> Any:
    """A dataclass field with its one-line description.

    Without a default it must be given; `example` then stands in the templates.
    """
    return Field(default=default, description=description, examples=[example])
