"""A training's progress: lines above a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import logging
import sys

import pytest
from rich.console import Console
from rich.progress import BarColumn, Progress

from esm_coupler.cli import progress
from esm_coupler.cli.progress import _AboveBar, training_log, with_lines


def test_a_bar_moves_to_the_share_of_the_work_that_a_record_tells() -> None:
    out = io.StringIO()
    with Progress(BarColumn(), console=Console(file=out, force_terminal=True)) as bar:
        log = logging.Logger("training")
        log.addHandler(_AboveBar(bar))
        log.info("step %d", 50, extra={"share": 0.25})
        assert bar.tasks[0].completed == 0.25
        log.warning("step 51 left out [sic]")
        assert bar.tasks[0].completed == 0.25
        log.info("done", extra={"share": 1.0})
        assert bar.finished
    assert "step 50" in out.getvalue()
    assert "left out [sic]" in out.getvalue()


def test_a_log_has_a_line_at_each_tenth_with_the_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(60.0 * minute for minute in range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    assert list(with_lines(list(range(25)), "row")) == list(range(25))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    assert lines[0] == "row: 3 of 25  60 s  7 min left"
    assert lines[-1] == "row: 25 of 25  600 s  0 min left"
    list(with_lines([7], "one"))
    assert capsys.readouterr().out == ""


def test_a_training_without_a_terminal_writes_plain_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = logging.Logger("root")
    monkeypatch.setattr(logging, "root", root)
    with training_log():
        root.info("step %d  %.0f min left", 50, 3.0, extra={"share": 0.5})
    line = capsys.readouterr().out
    assert line.endswith(" step 50  3 min left\n") and "\x1b" not in line
    assert not sys.stdout.isatty()
