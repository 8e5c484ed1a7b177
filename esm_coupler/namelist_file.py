"""Text of a namelist file -> groups of assignments, strict where f90nml is lax.

f90nml takes a file without `/`, text between groups, a key given twice, an empty file, a nameless
group, and expands `1000000000*1`. So the structure is checked here, and f90nml only turns single
tokens, already known to be Fortran constants, into Python values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import ConfigError

MAX_BYTES = 1_000_000
MAX_PATH = 1024
MAX_KEY_TOKENS = 32  # x(1, 2, ..., 15) and its commas
NOT_A_CONSTANT = object()  # no option accepts it

_QUOTED = r"""'(?:[^'\n]|'')*'|"(?:[^"\n]|"")*\""""
_TOKEN = re.compile(
    rf"""(?P<space>\s+) | (?P<comment>![^\n]*) | (?P<group>&\w*) | (?P<end>/) | (?P<equals>=)
      | (?P<comma>,) | (?P<text>{_QUOTED}) | (?P<open>['"][^\n]*)
      | (?P<word>[^\s!&/=,'"]+)""",
    re.VERBOSE,
)
_CONSTANT = re.compile(
    r"""[+-]?\d+ | [+-]?(\d+\.\d*|\.\d+)([ed][+-]?\d+)? | [+-]?\d+[ed][+-]?\d+
      | t | f | true | false | \.t\. | \.f\. | \.true\. | \.false\.""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    line: int


@dataclass(frozen=True)
class Assignment:
    """One `key = value [, value ...]`; `values` are the tokens as written."""

    key: str
    values: tuple[str, ...]
    line: int
    where: str

    @property
    def text(self) -> str:
        return ", ".join(self.values)


@dataclass(frozen=True)
class Group:
    name: str
    line: int
    assignments: tuple[Assignment, ...]


def read_text(path: str | Path) -> str:
    """The file's text; raises ConfigError if it is missing, too large, or not text."""
    file = Path(path)
    if len(str(path)) > MAX_PATH:
        raise ConfigError(
            f"namelist path of {len(str(path))} characters, beginning {str(path)[:40]!r}, is too "
            f"long; at most {MAX_PATH} are allowed"
        )
    try:
        if not str(path):
            raise ConfigError("the namelist's path is empty; give the path of a namelist file")
        if not file.is_file():
            reason = "is a directory or device" if file.exists() else "does not exist"
            raise ConfigError(f"namelist {path} {reason}; give the path of a namelist file")
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"namelist {path} is larger than {MAX_BYTES} bytes; give a namelist"
            )
        return _decode(file.read_bytes(), path)
    except (OSError, ValueError) as error:
        raise ConfigError(f"namelist {str(path)!r} cannot be read: {error}") from error


def _decode(content: bytes, path: str | Path) -> str:
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"namelist {path} is not a text file (byte {error.start + 1} is not UTF-8); "
            "give a Fortran namelist"
        ) from error
    control = re.search(r"[^\S\n\t\r\f ]|[\x00-\x08\x0e-\x1f\x7f]", text)
    if control:
        raise ConfigError(
            f"namelist {path} is not a text file (character {control.start() + 1} is "
            f"{control.group()!r}); give a Fortran namelist"
        )
    return text


def parse_groups(text: str, name: str) -> tuple[Group, ...]:
    """Groups in file order; `name` is the file's name in messages. Raises ConfigError."""
    tokens = list(_tokens(text, name))
    groups: list[Group] = []
    position = 0
    while position < len(tokens):
        token = tokens[position]
        if token.kind != "group":
            raise ConfigError(
                f"{name}, line {token.line}: {token.text[:60]!r} stands outside any group; put "
                "'key = value' between '&group' and '/', and texts with a '/' in quotes"
            )
        group, position = _group(tokens, position, name)
        groups.append(group)
    if not groups:
        raise ConfigError(
            f"{name} holds no namelist group; 'esm-coupler namelist couple' prints a template"
        )
    return tuple(groups)


def _tokens(text: str, name: str) -> Iterator[Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind = str(match.lastgroup)
        if kind == "open":
            raise ConfigError(
                f"{name}, line {line}: the text {match.group()[:40]!r} has no closing quote; "
                "close it on the same line"
            )
        if kind not in ("space", "comment"):
            yield Token(kind, match.group(), line)
        line += match.group().count("\n")


def _group(tokens: list[Token], position: int, name: str) -> tuple[Group, int]:
    head = tokens[position]
    group_name = head.text[1:].lower()
    if not group_name or group_name == "end":
        raise ConfigError(
            f"{name}, line {head.line}: {head.text!r} opens a group without a name; write "
            "'&coupler_nml' or another group"
        )
    position += 1
    assignments: list[Assignment] = []
    while position < len(tokens) and tokens[position].kind not in ("end", "group"):
        assignment, position = _assignment(tokens, position, f"{name}, line {{}}, &{group_name}")
        assignments.append(assignment)
    if position == len(tokens) or tokens[position].kind == "group":
        before = f"before {tokens[position].text!r}" if position < len(tokens) else "at the end"
        raise ConfigError(
            f"{name}, line {head.line}: &{group_name[:60]} has no closing '/' {before}; end the "
            "group with '/' on a line of its own"
        )
    return Group(group_name, head.line, tuple(assignments)), position + 1


def _assignment(tokens: list[Token], position: int, where: str) -> tuple[Assignment, int]:
    """One assignment from `position` on, and where the next begins."""
    start = position
    place = where.format(tokens[start].line)
    equals = _key_end(tokens, position)
    if equals is None:
        shown = " ".join(token.text for token in tokens[start : start + 3])
        raise ConfigError(f"{place}: {shown[:60]!r} is not of the form 'key = value'")
    key = "".join(token.text for token in tokens[start:equals]).lower()
    values, position = _values(tokens, equals + 1)
    return Assignment(key, values, tokens[start].line, place), position


def _key_end(tokens: list[Token], position: int) -> int | None:
    """Index of the '=' after a key that begins at `position`: a word, or 'x(1, 2)' with indices."""
    depth = 0
    for index in range(position, min(position + MAX_KEY_TOKENS, len(tokens))):
        token = tokens[index]
        if token.kind == "equals" and index > position and depth == 0:
            return index
        if token.kind not in ("word", "comma") or (depth == 0 and index > position):
            return None
        depth += token.text.count("(") - token.text.count(")")
    return None


def _values(tokens: list[Token], position: int) -> tuple[tuple[str, ...], int]:
    """Tokens up to the next key or the end of the group; an omitted value becomes ''."""
    values: list[str] = []
    expecting = True
    while position < len(tokens) and tokens[position].kind in ("word", "text", "comma", "equals"):
        token = tokens[position]
        if token.kind == "word" and _key_end(tokens, position) is not None:
            break
        if token.kind != "comma" or expecting:
            values.append("" if token.kind == "comma" else token.text)
        expecting = token.kind == "comma"
        position += 1
    return tuple(values), position


def constant(token: str) -> object:
    """Python value (int, float, bool, str) of one token, or NOT_A_CONSTANT."""
    if not (_CONSTANT.fullmatch(token) or re.fullmatch(_QUOTED, token) and token.isprintable()):
        return NOT_A_CONSTANT
    import f90nml

    return f90nml.reads(f"&group key = {token} /")["group"]["key"]
