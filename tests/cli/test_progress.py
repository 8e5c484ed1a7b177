"""A training's progress: lines above a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import io
import logging

from rich.console import Console
from rich.progress import BarColumn, Progress

from esm_coupler.cli.progress import _AboveBar


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
