"""Fields reach the generator and come back the same, however the host is cut into blocks."""

from __future__ import annotations

import numpy as np
import pytest

from .hosts_build import Hosts
from .layouts import (
    Layout,
    idle,
    read_field,
    rows,
    stripes,
    three_each,
    tiles,
    write_field,
    write_table,
)

NX, NY = 22, 19
NAMES = ("sic", "sit", "snt")
# (layout, kinds of the three fields, rank of the arrays, halo): one coupler each, in one process.
CASES: list[tuple[Layout, tuple[int, int, int], int, int]] = [
    (rows, (8, 8, 8), 2, 0),
    (stripes, (4, 8, 4), 2, 1),
    (three_each, (8, 4, 8), 3, 2),
    (tiles, (4, 4, 8), 3, 3),
    (idle, (8, 8, 4), 2, 1),
]
SCRAMBLE = """
from esm_coupler.coupling.engine import LoopbackEngine, Result
import numpy as np
def generate(self, names, values, member, date):
    return Result(np.roll(values, (1, 3, 5), axis=(0, 1, 2)) / 3.0, 0.25, 7, 11)
LoopbackEngine.generate = generate
"""


def _fields() -> np.ndarray:
    """Three fields (y, x) with no two equal numbers, exact in single precision."""
    return (np.arange(3 * NX * NY) * 3.0 + 0.5).reshape(3, NY, NX)


def _script(
    hosts: Hosts, number: int, layout: list, kinds: tuple[int, int, int], rank: int, halo: int
) -> str:
    """One coupler from start to generate, its arrays called like 'sic_1'."""
    table = write_table(hosts.folder / f"blocks_{number}.txt", layout)
    lines = [f"start {number} world {hosts.loopback()}"]
    lines += [f"python {hosts.python('scramble.py', SCRAMBLE)}"]
    lines += [f"blocks {NX} {NY} {halo} {table}", f"domain {number}"]
    for name, kind, values in zip(NAMES, kinds, _fields(), strict=True):
        file = write_field(hosts.folder / f"{name}.in", values)
        array = f"{name}_{number}"
        lines += [f"field {array} {kind} {rank}", f"load {array} {file}"]
        lines += [f"bind {number} {name} {array}"]
    lines += [f"generate {number} 1 20180301", f"diagnostic {number} cells_changed"]
    for name in NAMES:
        lines += [f"save {name}_{number} {name}_{number}.out", f"edges {name}_{number}"]
    return "\n".join([*lines, ""])


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 5, 6])
def test_every_layout_gives_the_same_bits(hosts: Hosts, ranks: int) -> None:
    script = "".join(
        _script(hosts, number, layout(NX, NY, ranks), kinds, rank, halo)
        for number, (layout, kinds, rank, halo) in enumerate(CASES, start=1)
    )
    run = hosts.run(script + "".join(f"stop {n}\n" for n in range(1, len(CASES) + 1)), ranks)
    expected = np.roll(_fields(), (1, 3, 5), axis=(0, 1, 2)) / 3.0
    for number, (layout, kinds, _, _) in enumerate(CASES, start=1):
        for name, kind, values in zip(NAMES, kinds, expected, strict=True):
            wanted = values if kind == 8 else values.astype(np.float32).astype(np.float64)
            got = read_field(hosts.folder, f"{name}_{number}.out", ranks, (NY, NX))
            np.testing.assert_array_equal(got, wanted, err_msg=f"{layout.__name__} {name}")
    assert {call.status for calls in run.ranks for call in calls} == {0}
    assert {call.message for call in run.last("diagnostic")} == {"1.10000000000000000E+01"}


def test_blocks_may_be_padded_to_the_largest_of_any_rank(hosts: Hosts) -> None:
    table = write_table(hosts.folder / "blocks.txt", [[(1, 1, 8, 4)], [(1, 5, 8, 2)]])
    values = np.arange(48.0).reshape(6, 8)
    write_field(hosts.folder / "sic.in", values)
    hosts.run(
        f"""
        start 1 world {hosts.loopback()}
        blocks 8 6 1 {table}
        domain 1
        on 0 field sic 8 3
        on 1 field sic 8 3 0 2
        load sic sic.in
        bind 1 sic
        generate 1 1 20180301
        save sic sic.out
        """,
        ranks=2,
    )
    np.testing.assert_array_equal(read_field(hosts.folder, "sic.out", 2, (6, 8)), values)


def test_couplers_on_parts_of_the_ranks_do_not_meet(hosts: Hosts) -> None:
    """Two communicators, each smaller than COMM_WORLD, each with a coupler of its own."""
    table = write_table(
        hosts.folder / "blocks.txt", [[(1, 1, 4, 3)], [(1, 1, 4, 1)], [], [(1, 2, 4, 2)]]
    )
    write_field(hosts.folder / "sic.in", np.arange(12.0).reshape(3, 4))
    run = hosts.run(
        f"""
        start 1 part {hosts.loopback()}
        blocks 4 3 0 {table}
        domain 1
        field sic 8 3
        load sic sic.in
        bind 1 sic
        repeat 50
        generate 1 1 20180301
        save sic sic.out
        stop 1
        """,
        ranks=4,
    )
    assert {call.status for calls in run.ranks for call in calls} == {0}
    odd = np.fromfile(hosts.folder / "sic.out.3").reshape(3, 4)
    np.testing.assert_array_equal(odd[1:], np.arange(4.0, 12.0).reshape(2, 4))


def test_thousands_of_calls_leave_memory_flat(hosts: Hosts) -> None:
    table = write_table(hosts.folder / "blocks.txt", rows(64, 64, 2))
    write_field(hosts.folder / "sic.in", np.ones((64, 64)))
    run = hosts.run(
        f"""
        start 1 world {hosts.loopback()}
        blocks 64 64 1 {table}
        domain 1
        field sic 8 3
        load sic sic.in
        bind 1 sic
        repeat 500
        generate 1 1 20180301
        repeat 2000
        ping 1 1
        memory
        repeat 2500
        generate 1 1 20180301
        repeat 20000
        ping 1 1
        memory
        """,
        ranks=2,
    )
    for calls in run.ranks:
        before, after = (call.status for call in calls if call.verb == "memory")
        assert after - before < 300, "kB"
