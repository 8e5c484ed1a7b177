"""Groups of assignments -> validated dataclasses, or one sentence per fault."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from .namelist_file import NOT_A_CONSTANT, Assignment, Group, constant
from .option_text import allowed_value, choices, is_date, is_list, is_text, options
from .options import GROUPS

SHOWN = 60  # characters of a value in a message
MAX_VALUES = 1000  # of one key
MAX_FAULTS = 20  # said of one file
AFTER_FILE = 10**9  # place of the faults of overrides: behind every line of the file


@dataclass(frozen=True, order=True)
class Fault:
    line: int
    sentence: str


@dataclass
class Table:
    """What one group was given, before it is checked."""

    kind: type
    line: int
    where: str
    items: dict[str, Assignment] = field(default_factory=dict)


def checked_groups(
    groups: Iterable[Group], overrides: Iterable[str], name: str
) -> tuple[dict[str, Any], list[str]]:
    """(group -> dataclass instance, sentences in file order); with faults the former is partial."""
    faults: list[Fault] = []
    tables: dict[str, Table] = {}
    for group in groups:
        faults += _collect(group, tables, name)
    for text in overrides:
        faults += _override(text, tables)
    values: dict[str, Any] = {}
    for group_name, table in tables.items():
        instance, found = _validate(table)
        faults += found
        values[group_name] = instance
    return values, _sentences(faults, name)


def _sentences(faults: list[Fault], name: str) -> list[str]:
    """In the order of the file; a file of another kind has thousands, which help nobody."""
    said = [fault.sentence for fault in sorted(faults, key=lambda fault: fault.line)]
    if len(said) <= MAX_FAULTS:
        return said
    return [*said[:MAX_FAULTS], f"{name}: {len(said) - MAX_FAULTS} more faults are not listed"]


def _collect(group: Group, tables: dict[str, Table], name: str) -> list[Fault]:
    where = f"{name}, line {group.line}"
    if group.name not in GROUPS:
        nearest = _nearest(group.name, GROUPS, "&")
        return [Fault(group.line, f"{where}: there is no group &{_show(group.name)}; {nearest}")]
    if group.name in tables:
        text = f"{where}: group &{group.name} is given twice; put its keys into one group"
        return [Fault(group.line, text)]
    table = Table(GROUPS[group.name], group.line, f"{where}, &{group.name}")
    tables[group.name] = table
    faults = []
    for item in group.assignments:
        first = table.items.setdefault(item.key, item)
        if first is not item:
            text = f"{item.where}: {_show(item.key)} is given twice (first as {_show(first.text)})"
            faults.append(Fault(item.line, f"{text}; give it once"))
    return faults


def _override(text: str, tables: dict[str, Table]) -> list[Fault]:
    """Put 'group.key=value' into the tables; the last one of a key wins, as on a command line."""
    target, equals, value = text.partition("=")
    group, dot, key = target.strip().lower().partition(".")
    if not (equals and dot and key):
        return [Fault(AFTER_FILE, f"--set {_show(text)} is not of the form group.key=value")]
    if group not in GROUPS:
        nearest = _nearest(group, GROUPS, "&")
        return [Fault(AFTER_FILE, f"--set {_show(text)}: there is no group &{group}; {nearest}")]
    where = f"--set, &{group}"
    table = tables.setdefault(group, Table(GROUPS[group], AFTER_FILE, where))
    values = _override_values(GROUPS[group], key, value.strip())
    table.items[key] = Assignment(key, values, AFTER_FILE, where)
    return []


def _override_values(kind: type, key: str, value: str) -> tuple[str, ...]:
    """Tokens as a namelist would hold them: a shell has eaten the quotes of texts and dates."""
    if is_list(kind, key):
        return tuple(part.strip() for part in value.split(","))
    option = options(kind).get(key)
    quotable = is_text(kind, key) or (option and is_date(option) and not value.isdecimal())
    if not quotable or value.startswith(("'", '"')):
        return (value,)
    return ("'" + value.replace("'", "''") + "'",)


def _validate(table: Table) -> tuple[Any, list[Fault]]:
    known = options(table.kind)
    unknown = [
        Fault(item.line, f"{item.where}: there is no key {_show(key)}; {_nearest(key, known)}")
        for key, item in table.items.items()
        if key not in known
    ]
    values = {key: _value(item, table) for key, item in table.items.items() if key in known}
    try:
        return table.kind(**values), unknown
    except ValidationError as error:
        found = [_fault(entry, table) for entry in error.errors()]
        return None, unknown + list(dict.fromkeys(found))


def _value(item: Assignment, table: Table) -> object:
    """Python value of an assignment; several for a scalar stay a tuple, which no scalar takes."""
    if len(item.values) > MAX_VALUES:
        return NOT_A_CONSTANT
    values = tuple(constant(token) for token in item.values)
    if is_list(table.kind, item.key) or len(values) != 1:
        return values
    return values[0]


def _fault(entry: Any, table: Table) -> Fault:
    """The sentence for one entry of pydantic's list of errors."""
    if not entry["loc"]:
        return Fault(table.line, f"{table.where}: {entry['ctx']['error']}")
    key = str(entry["loc"][0])
    option = options(table.kind)[key]
    allowed = allowed_value(option)
    if key not in table.items:
        return Fault(table.line, f"{table.where}: {key} is missing; give {allowed}")
    item = table.items[key]
    if not any(item.values):
        return Fault(item.line, f"{item.where}: {key} has no value; give {allowed}")
    text = f"{item.where}: {key} = {_show(item.text)} is not allowed; give {allowed}"
    return Fault(item.line, f"{text}{_did_you_mean(item.text, choices(option))}")


def _did_you_mean(text: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(text.strip("'\"").lower()[:SHOWN], list(allowed), 1, 0.5)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _nearest(word: str, allowed: Iterable[str], prefix: str = "") -> str:
    names = list(allowed)
    close = difflib.get_close_matches(word[:SHOWN], names, 1, 0.5)
    listed = ", ".join(prefix + name for name in names)
    return (
        f"did you mean {prefix}{close[0]} (there are {listed})?" if close else f"there are {listed}"
    )


def _show(text: str) -> str:
    """A value as written, on one line and cut to a length that leaves the message readable."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[:SHOWN])
    return shown if len(text) <= SHOWN else f"{shown}... ({len(text)} characters)"
