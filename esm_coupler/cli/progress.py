"""Progress of a run of members: a bar on a terminal, one line per member in a log."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import TypeVar

import typer

Item = TypeVar("Item")


def with_bar(items: list[Item], title: str) -> Iterator[Item]:
    """The items in order, behind a bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, title, console=console, disable=not console.is_terminal)


def log_line(text: str) -> None:
    """A line on standard output, unless that is a terminal, where the bar says it."""
    if not sys.stdout.isatty():
        typer.echo(text)
