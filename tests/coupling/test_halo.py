"""Halo cells are filled as a model's own halo update would: held against a padded serial field."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler.coupling.domain import Block, check_blocks
from esm_coupler.coupling.halo import Halo, rim_cells
from esm_coupler.errors import DomainError, Status

from .hosts_build import Hosts
from .layouts import Layout, idle, rows, stripes, three_each, tiles, write_field, write_table
from .padded import mended, padded

NX, NY = 22, 19
EDGE = -12345.0
FILLS = ("closed", "cyclic", "tripole_t", "tripole_f")
# (layout, kinds of the two fields, rank of the arrays, halo): one coupler each, in one process.
CASES: list[tuple[Layout, tuple[int, int], int, int]] = [
    (rows, (8, 8), 2, 1),
    (stripes, (4, 8), 2, 2),
    (three_each, (8, 4), 3, 3),
    (tiles, (8, 8), 3, 1),
    (idle, (4, 4), 2, 3),
    (tiles, (4, 8), 3, 0),
]


def _field(number: int) -> np.ndarray:
    """(y, x), no two numbers equal, exact in single precision, none zero."""
    return (np.arange(NX * NY) * 2.0 + 1.0 + number * 1000.0).reshape(NY, NX)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("location", ["centre", "northeast"])
@pytest.mark.parametrize("fill", FILLS)
def test_halo_of_the_whole_grid(fill: str, location: str, width: int) -> None:
    halo = Halo(fill, location, NX, NY)
    cells = rim_cells([Block(1, 1, NX, NY)], width)
    for name in ("sic", "siu"):
        field = _field(1)
        halo.mend_seam(name, field)
        out = np.empty(cells.shape[1])
        halo.sources(name, cells).copy(field, out)
        corners, sign = name == "siu" and location == "northeast", -1.0 if name == "siu" else 1.0
        expected = padded(_field(1), fill, width, corners, sign)
        np.testing.assert_array_equal(out, expected[tuple(cells + width)])
        np.testing.assert_array_equal(field, mended(_field(1), fill, corners, sign))


def _script(hosts: Hosts, number: int, layout: list, case: tuple, fill: str) -> str:
    _, kinds, rank, width = case
    namelist = hosts.namelist(f"{fill}.nml", coupler={"engine": "loopback", "halo_fill": fill})
    table = write_table(hosts.folder / f"blocks_{number}.txt", layout)
    lines = [f"start {number} world {namelist}", f"blocks {NX} {NY} {width} {table}"]
    lines += [f"domain {number}"]
    for n, (name, kind) in enumerate(zip(("sic", "siu"), kinds, strict=True)):
        array = f"{name}_{number}"
        lines += [f"field {array} {kind} {rank}"]
        file = write_field(hosts.folder / f"{name}.in", _field(n))
        lines += [f"load {array} {file}", f"bind {number} {name} {array}"]
    call = "step {} 20180301 3600" if number % 2 else "generate {} 1 20180301"
    lines += [call.format(number)]
    lines += [f"dump {name}_{number} {name}_{number}.out" for name in ("sic", "siu")]
    return "\n".join([*lines, f"stop {number}", ""])


def _check(hosts: Hosts, number: int, layout: list, width: int, fill: str) -> None:
    """Every block's array as cut out of the padded field; EDGE in what is larger than needed."""
    for n, name in enumerate(("sic", "siu")):
        whole = padded(_field(n), fill, width, name == "siu", -1.0 if name == "siu" else 1.0)
        for rank, own in enumerate(layout):
            got = np.fromfile(hosts.folder / f"{name}_{number}.out.{rank}")
            expected = [
                whole[j - 1 : j - 1 + ny + 2 * width, i - 1 : i - 1 + nx + 2 * width]
                for i, j, nx, ny in own
            ]
            array = got.reshape(len(own), -1, _extent(hosts, own, width, got)) if own else []
            for part, wanted in zip(array, expected, strict=True):
                inside = np.s_[: wanted.shape[0], : wanted.shape[1]]
                np.testing.assert_array_equal(part[inside], wanted, f"{fill} {number} {name}")
                beyond = part.copy()
                beyond[inside] = EDGE
                assert (beyond == EDGE).all(), "padding is the host's"


def _extent(hosts: Hosts, own: list, width: int, got: np.ndarray) -> int:
    """nx_block of a dumped array: its other extents are known."""
    ny_block = max(ny for _, _, _, ny in own) + 2 * width
    return got.size // (len(own) * ny_block)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6])
def test_halos_are_filled_in_every_layout(hosts: Hosts, ranks: int) -> None:
    cases = list(enumerate(CASES, start=1))
    fills = {number: FILLS[(number + ranks) % len(FILLS)] for number, _ in cases}
    layouts = {number: case[0](NX, NY, ranks) for number, case in cases}
    script = "".join(
        _script(hosts, number, layouts[number], case, fills[number]) for number, case in cases
    )
    run = hosts.run(script, ranks)
    assert {call.status for calls in run.ranks for call in calls} == {0}
    for number, case in cases:
        _check(hosts, number, layouts[number], case[3], fills[number])


def test_a_generated_state_has_its_halo_too(hosts: Hosts, checkpoint: Path) -> None:
    from .scripts import NX as nx, NY as ny, bind, domain, save, saved, start

    layout = tiles(nx, ny, 2)
    script = start(hosts, checkpoint, halo_fill="cyclic") + domain(hosts, layout)
    script += bind(hosts, {"sic": None}) + "generate 1 1 20180301\ndump sic_1 dump.out\n"
    hosts.run(script + save(["sic"]).replace("edges sic_1\n", ""), ranks=2)
    whole = padded(saved(hosts, "sic", 2), "cyclic", 1)
    own = layout[1]
    dumped = np.fromfile(hosts.folder / "dump.out.1")
    array = dumped.reshape(len(own), -1, max(b[2] for b in own) + 2)
    for part, (i, j, width, height) in zip(array, own, strict=True):
        expected = whole[j - 1 : j + 1 + height, i - 1 : i + 1 + width]
        np.testing.assert_array_equal(part[: height + 2, : width + 2], expected)


@pytest.mark.parametrize("width", [-1, 4])
def test_a_halo_is_0_to_3_cells_wide(width: int) -> None:
    with pytest.raises(DomainError, match=f"halo is {width}: the width must be 0 to 3"):
        check_blocks(NX, NY, width, [Block(1, 1, NX, NY)])


def test_an_odd_grid_cannot_be_folded(hosts: Hosts) -> None:
    namelist = hosts.loopback(halo_fill="tripole_t")
    table = write_table(hosts.folder / "blocks.txt", rows(7, 6, 2))
    run = hosts.run(f"start 1 world {namelist}\nblocks 7 6 1 {table}\ndomain 1\n", ranks=2)
    assert run.status("domain") == {Status.DOMAIN}
    assert "nx_global is 7" in run.message("domain")
