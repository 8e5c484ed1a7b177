"""The decomposition is nobody's business: the same bits on any ranks and blocks."""

from __future__ import annotations

import pytest

from .run import Host, Run


@pytest.mark.parametrize("ranks", [1, 3])
def test_the_file_does_not_depend_on_the_ranks(host: Host, a_run: Run, ranks: int) -> None:
    assert host.run(ranks).output == a_run.output


@pytest.mark.parametrize("block", [(32, 16), (5, 3), (64, 64), (31, 1)], ids=str)
def test_the_file_does_not_depend_on_the_blocks(
    host: Host, a_run: Run, block: tuple[int, int]
) -> None:
    assert host.run(2, block_nx=block[0], block_ny=block[1]).output == a_run.output


def test_ranks_without_blocks_take_part(host: Host, a_run: Run) -> None:
    assert host.run(3, block_nx=32, block_ny=16).output == a_run.output


def test_a_member_is_the_same_whatever_the_others(host: Host, a_run: Run) -> None:
    alone = host.run(members=1, first_member=2).ensemble
    assert alone["realization"].values.tolist() == [2]
    for name in ("sic", "sit", "siu_start"):
        assert (alone[name].values[0] == a_run.ensemble[name].values[1]).all()
