"""Progress of a run: a bar on a terminal, one line per member or so many steps in a log."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

Item = TypeVar("Item")


def with_bar(items: list[Item], title: str) -> Iterator[Item]:
    """The items in order, behind a bar on stderr if that is a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    yield from track(items, title, console=console, disable=not console.is_terminal)


def with_lines(items: list[Item], title: str) -> Iterator[Item]:
    """The items in order, behind a bar; in a log a line at each tenth, with the time left, if
    there are several."""
    start, told = time.monotonic(), 0
    for done, item in enumerate(with_bar(items, title), start=1):
        yield item
        if 10 * done // len(items) > told and len(items) > 1:
            told = 10 * done // len(items)
            spent = time.monotonic() - start
            left = spent * (len(items) - done) / done / 60
            log_line(f"{title}: {done} of {len(items)}  {spent:.0f} s  {left:.0f} min left")


def log_line(text: str) -> None:
    """A line on standard output, unless that is a terminal, where the bar says it."""
    if not sys.stdout.isatty():
        typer.echo(text)


@contextmanager
def training_log() -> Iterator[None]:
    """What a training logs, on standard output: plain lines, or lines above a bar with the
    remaining time if that is a terminal."""
    if not sys.stdout.isatty():
        logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(message)s")
        yield
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TimeRemainingColumn

    with Progress(BarColumn(None), TaskProgressColumn(), TimeRemainingColumn(), "left") as bar:
        logging.basicConfig(handlers=[_AboveBar(bar)], level=logging.INFO)
        yield


class _AboveBar(logging.Handler):
    """Prints records above a bar, which it moves to the `share` of the work that they tell."""

    def __init__(self, bar: Progress) -> None:
        super().__init__()
        self._bar = bar
        self._task = bar.add_task("", total=1.0)

    def emit(self, record: logging.LogRecord) -> None:
        self._bar.console.print(record.getMessage(), highlight=False, markup=False)
        self._bar.update(self._task, completed=getattr(record, "share", None))
