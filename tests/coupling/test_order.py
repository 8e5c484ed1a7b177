"""Calls in the wrong order, and arguments that can't be right: a status and a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import Status

from .hosts_build import Hosts, Run
from .layouts import rows, stripes, write_field, write_table


def _started(hosts: Hosts, ranks: int = 2) -> str:
    table = write_table(hosts.folder / "blocks.txt", rows(6, 8, ranks))
    write_field(hosts.folder / "sic.in", np.ones((8, 6)))
    return f"start 1 world {hosts.loopback()}\nblocks 6 8 1 {table}\n"


CALLS = """
domain 1
bind 1 sic
mask 1 sic
generate 1 1 20180301
step 1 20180301 60
ping 1 0
diagnostic 1 calls
stop 1
"""


@pytest.mark.parametrize("stopped", [False, True])
def test_each_call_outside_start_and_stop_gets_a_status(hosts: Hosts, stopped: bool) -> None:
    write_table(hosts.folder / "blocks.txt", rows(6, 8, 2))
    life = f"start 1 world {hosts.loopback()}\nstop 1\n" if stopped else ""
    run = hosts.run(f"blocks 6 8 1 blocks.txt\nfield sic 8 3\n{life}{CALLS}", ranks=2)
    late = [call for calls in run.ranks for call in calls[2 if stopped else 0 :]]
    assert {call.status for call in late} == {Status.STOPPED if stopped else Status.NOT_STARTED}
    assert all(call.message for call in late)


def test_a_second_start_is_refused_and_the_first_goes_on(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nbind 1 sic\n"
    run = hosts.run(script + "start 1 world loopback.nml\ngenerate 1 1 20180301\n", ranks=2)
    assert run.status("start") == {Status.ALREADY_STARTED}
    assert run.status("generate") == {Status.OK}


def test_a_new_coupler_may_follow_a_stopped_one(hosts: Hosts) -> None:
    run = hosts.run(_started(hosts) + "stop 1\nstart 2 world loopback.nml\ndomain 2\n", ranks=2)
    assert run.status("domain") == {Status.OK}


@dataclass(frozen=True)
class Refusal:
    """Lines after start and blocks, of which the last is refused with words in the message."""

    lines: str
    status: Status
    words: tuple[str, ...]
    layout: list = field(default_factory=lambda: rows(6, 8, 2))

    @property
    def verb(self) -> str:
        return self.lines.split("\n")[-1].removeprefix("on 1 ").split()[0]


BOUND = "domain 1\nfield sic 8 3\nbind 1 sic\n"
REFUSALS = {
    "bind wants set_domain first": Refusal(
        "field sic 8 3\nbind 1 sic", Status.ORDER, ("bind", "set_domain")
    ),
    "generate wants a field": Refusal("domain 1\ngenerate 1 1 20180301", Status.ORDER, ("bind",)),
    "set_domain can be called once": Refusal("domain 1\ndomain 1", Status.ORDER, ("set_domain",)),
    "a field is bound once": Refusal(
        BOUND + "field sit 8 3\nbind 1 sic sit", Status.FIELD, ("'sic'", "bound already")
    ),
    "an array is bound once": Refusal(
        BOUND + "bind 1 sit sic", Status.FIELD, ("'sic'", "'sit'", "memory")
    ),
    "a wrong size on one rank is told with both shapes": Refusal(
        "domain 1\non 0 field sic 8 3\non 1 field sic 8 3 1 0\nbind 1 sic",
        Status.FIELD, ("rank 1", "'sic'", "(9, 6, 1)", "(8, 6, 1)"),
    ),
    "an array is contiguous": Refusal(
        "domain 1\nfield sic 8 3\nbind_strided 1 sic", Status.FIELD, ("'sic'", "contiguous")
    ),
    "one layer cannot hold three blocks": Refusal(
        "domain 1\nfield sic 8 2\nbind 1 sic", Status.FIELD, ("rank 2", "3 blocks"),
        [[(1, 1, 6, 2), (1, 3, 6, 2), (1, 5, 6, 4)], []],
    ),
    "other names on other ranks": Refusal(
        "domain 1\nfield sic 8 3\non 0 bind 1 sic\non 1 bind 1 sit sic",
        Status.FIELD, ("'sit'", "'sic'", "rank 0"),
    ),
    "another member on another rank": Refusal(
        BOUND + "on 0 generate 1 1 20180301\non 1 generate 1 2 20180301",
        Status.VALUE, ("member", "2 on rank 1", "1 on rank 0"),
    ),
    "a cell with two owners is named": Refusal(
        "domain 1", Status.DOMAIN, ("i=3, j=5", "block 1 of rank 0", "block 2 of rank 1"),
        [[(1, 1, 6, 5)], [(1, 6, 6, 3), (3, 5, 2, 1)]],
    ),
    "a block outside the grid is named with its rank": Refusal(
        "domain 1", Status.DOMAIN, ("rank 1", "block 2", "j 8..9", "1..8"),
        [[(1, 1, 6, 5)], [(1, 6, 6, 3), (3, 8, 2, 2)]],
    ),
    "other grids on other ranks": Refusal(
        "on 1 blocks 6 9 1 {table}\ndomain 1",
        Status.DOMAIN, ("ny_global", "9 on rank 1", "8 on rank 0"),
    ),
    "an unknown diagnostic is answered with the known": Refusal(
        "diagnostic 1 warmth", Status.VALUE, ("'warmth'", "cells_out_of_bounds")
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def refused(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    hosts = Hosts(built, tmp_path_factory.mktemp("refused"))
    scripts = {}
    for number, (name, case) in enumerate(REFUSALS.items()):
        table = write_table(hosts.folder / f"blocks_{number}.txt", case.layout)
        lines = case.lines.format(table=table)
        scripts[name] = f"start 1 world {hosts.loopback()}\nblocks 6 8 1 {table}\n{lines}\n"
    return hosts.run_each(scripts, ranks=2)


@pytest.mark.parametrize("name", REFUSALS)
def test_a_call_that_cannot_be_right_is_refused(refused: dict[str, Run], name: str) -> None:
    case, run = REFUSALS[name], refused[name]
    assert run.status(case.verb) == {case.status}
    message = run.message(case.verb)
    assert [w for w in case.words if w not in message] == [], message
    assert "Traceback" not in message


@pytest.mark.parametrize("other", ["step 1 20180301 60", "stop 1", "bind 1 sit"])
def test_ranks_that_make_different_calls_do_not_wait_for_each_other(
    hosts: Hosts, other: str
) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nbind 1 sic\nfield sit 8 3\n"
    run = hosts.run(script + f"on 0 generate 1 1 20180301\non 1 {other}\n", ranks=2)
    generate, odd = run.ranks[0][-1], run.ranks[1][-1]
    assert generate.status == odd.status == Status.ORDER
    for call in (generate, odd):
        assert "generate" in call.message and other.split()[0] in call.message


def test_every_diagnostic_is_in_the_guide(hosts: Hosts) -> None:
    script = _started(hosts, 1) + "domain 1\nfield sic 8 3\nbind 1 sic\ndiagnostic 1 warmth\n"
    names = hosts.run(script).message("diagnostic").partition("choose from ")[2].split(", ")
    assert "address_of_sic" in names
    guide = (Path(__file__).parents[2] / "docs" / "coupling_guide.md").read_text()
    for name in names:
        assert f"| `{name.replace('of_sic', 'of_<field>')}` |" in guide


def test_calls_from_several_threads_are_served_one_after_another(hosts: Hosts) -> None:
    write_table(hosts.folder / "blocks.txt", stripes(6, 8, 1))
    script = _started(hosts, 1) + "domain 1\nfield sic 8 3\nbind 1 sic\nping_threads 1 4 4000\n"
    assert hosts.run(script).status("ping_threads") == {Status.OK}
