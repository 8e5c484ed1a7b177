"""Calls in the wrong order, and arguments that can't be right: a status and a sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import rows, stripes, write_field, write_table


def _started(hosts: Hosts, ranks: int = 2) -> str:
    table = write_table(hosts.folder / "blocks.txt", rows(6, 8, ranks))
    write_field(hosts.folder / "sic.in", np.ones((8, 6)))
    return f"start 1 world {hosts.loopback()}\nblocks 6 8 1 {table}\n"


def _refused(hosts: Hosts, script: str, verb: str, status: Status, *words: str) -> None:
    run = hosts.run(script, ranks=2)
    assert run.status(verb) == {status}
    assert [w for w in words if w not in run.message(verb)] == [], run.message(verb)
    assert "Traceback" not in run.message(verb)


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


def test_bind_wants_set_domain_first(hosts: Hosts) -> None:
    script = _started(hosts) + "field sic 8 3\nbind 1 sic\n"
    _refused(hosts, script, "bind", Status.ORDER, "bind", "set_domain")


def test_generate_wants_a_field(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\ngenerate 1 1 20180301\n"
    _refused(hosts, script, "generate", Status.ORDER, "bind")


def test_set_domain_can_be_called_once(hosts: Hosts) -> None:
    _refused(hosts, _started(hosts) + "domain 1\ndomain 1\n", "domain", Status.ORDER, "set_domain")


def test_a_field_is_bound_once(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nfield sit 8 3\nbind 1 sic\n"
    _refused(hosts, script + "bind 1 sic sit\n", "bind", Status.FIELD, "'sic'", "bound already")


def test_an_array_is_bound_once(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nbind 1 sic\nbind 1 sit sic\n"
    _refused(hosts, script, "bind", Status.FIELD, "'sic'", "'sit'", "memory")


def test_a_wrong_size_on_one_rank_is_told_with_both_shapes(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\non 0 field sic 8 3\non 1 field sic 8 3 1 0\nbind 1 sic\n"
    _refused(hosts, script, "bind", Status.FIELD, "rank 1", "'sic'", "(9, 6, 1)", "(8, 6, 1)")


def test_an_array_that_is_not_contiguous_is_refused(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nbind_strided 1 sic\n"
    _refused(hosts, script, "bind_strided", Status.FIELD, "'sic'", "contiguous")


def test_one_layer_cannot_hold_three_blocks(hosts: Hosts) -> None:
    script = _started(hosts)
    write_table(hosts.folder / "blocks.txt", [[(1, 1, 6, 2), (1, 3, 6, 2), (1, 5, 6, 4)], []])
    script += "domain 1\nfield sic 8 2\nbind 1 sic\n"
    _refused(hosts, script, "bind", Status.FIELD, "rank 2", "3 blocks")


def test_other_names_on_other_ranks_are_refused(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\non 0 bind 1 sic\non 1 bind 1 sit sic\n"
    _refused(hosts, script, "bind", Status.FIELD, "'sit'", "'sic'", "rank 0")


def test_another_member_on_another_rank_is_refused(hosts: Hosts) -> None:
    script = _started(hosts) + "domain 1\nfield sic 8 3\nbind 1 sic\n"
    script += "on 0 generate 1 1 20180301\non 1 generate 1 2 20180301\n"
    _refused(hosts, script, "generate", Status.VALUE, "member", "2 on rank 1", "1 on rank 0")


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


def test_a_cell_with_two_owners_is_named(hosts: Hosts) -> None:
    script = _started(hosts)
    write_table(hosts.folder / "blocks.txt", [[(1, 1, 6, 5)], [(1, 6, 6, 3), (3, 5, 2, 1)]])
    words = ("i=3, j=5", "block 1 of rank 0", "block 2 of rank 1")
    _refused(hosts, script + "domain 1\n", "domain", Status.DOMAIN, *words)


def test_a_block_outside_the_grid_is_named_with_its_rank(hosts: Hosts) -> None:
    script = _started(hosts)
    write_table(hosts.folder / "blocks.txt", [[(1, 1, 6, 5)], [(1, 6, 6, 3), (3, 8, 2, 2)]])
    words = ("rank 1", "block 2", "j 8..9", "1..8")
    _refused(hosts, script + "domain 1\n", "domain", Status.DOMAIN, *words)


def test_other_grids_on_other_ranks_are_refused(hosts: Hosts) -> None:
    script = _started(hosts) + "on 1 blocks 6 9 1 blocks.txt\ndomain 1\n"
    _refused(hosts, script, "domain", Status.DOMAIN, "ny_global", "9 on rank 1", "8 on rank 0")


def test_an_unknown_diagnostic_is_answered_with_the_known(hosts: Hosts) -> None:
    script = _started(hosts) + "diagnostic 1 warmth\n"
    _refused(hosts, script, "diagnostic", Status.VALUE, "'warmth'", "cells_out_of_bounds")


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
