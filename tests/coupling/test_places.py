"""Which ranks get a generator and which GPU, on nodes of every kind."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from esm_coupler.coupling.places import Place, Told, assign, map_text
from esm_coupler.coupling.visible import visible_gpus

FOUR = ("GPU-a0", "GPU-a1", "GPU-a2", "GPU-a3")
MIG = ("MIG-1", "MIG-2")


def ranks(*nodes: tuple[int, tuple[str, ...]]) -> list[Told]:
    """Nodes one behind the other, of so many ranks that see so much."""
    told: list[Told] = []
    for count, gpus in nodes:
        first = len(told)
        told += [Told(first, f"node{first}", gpus) for _ in range(count)]
    return told


def dealt(
    told: list[Told], device: str = "auto", ahead: int = 99, most: int = 0, per_gpu: int = 1
) -> list[tuple[int, int | None]]:
    return [(p.rank, p.gpu) for p in assign(told, device, ahead, most, per_gpu)]


def each(nodes: list[list[str]]) -> list[Told]:
    """Each rank with one GPU of its own, as launchers bind them."""
    told: list[Told] = []
    for gpus in nodes:
        first = len(told)
        told += [Told(first, "n", (gpu,)) for gpu in gpus]
    return told


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        # one generator is enough where one member is made at a time
        ({"told": ranks((8, FOUR)), "ahead": 1}, [(0, 0)]),
        ({"told": ranks((8, ())), "ahead": 1}, [(0, None)]),
        # all ranks of a node see all its GPUs: one each, the others none
        ({"told": ranks((8, FOUR))}, [(0, 0), (1, 1), (2, 2), (3, 3)]),
        ({"told": ranks((2, FOUR))}, [(0, 0), (1, 1)]),
        ({"told": ranks((8, FOUR[:1]))}, [(0, 0)]),
        # GPUs are shared, but only after all have been taken
        (
            {"told": ranks((8, FOUR[:2])), "per_gpu": 2},
            [(0, 0), (1, 1), (2, 0), (3, 1)],
        ),
        ({"told": ranks((8, FOUR[:2])), "per_gpu": 2, "most": 3}, [(0, 0), (1, 1), (2, 0)]),
        ({"told": ranks((3, FOUR[:1])), "per_gpu": 9}, [(0, 0), (1, 0), (2, 0)]),
        # nodes in turns
        (
            {"told": ranks((4, FOUR), (4, FOUR)), "most": 4},
            [(0, 0), (4, 0), (1, 1), (5, 1)],
        ),
        ({"told": ranks((4, FOUR), (4, FOUR)), "ahead": 3}, [(0, 0), (4, 0), (1, 1)]),
        # a launcher shows each rank one GPU, or four ranks the same one
        ({"told": each([["GPU-a", "GPU-b"], ["GPU-c"]])}, [(0, 0), (2, 0), (1, 0)]),
        ({"told": each([["GPU-a", "GPU-a", "GPU-b", "GPU-b"]])}, [(0, 0), (2, 0)]),
        ({"told": each([["GPU-a", "GPU-a"]]), "per_gpu": 2}, [(0, 0), (1, 0)]),
        # the same name on another node is another GPU
        ({"told": each([["gpu0"], ["gpu0"]])}, [(0, 0), (1, 0)]),
        # MIG instances are as GPUs are
        ({"told": ranks((4, MIG))}, [(0, 0), (1, 1)]),
        # ranks see some of the GPUs only
        (
            {"told": [Told(0, "", ("a", "b")), Told(0, "", ("a",)), Told(0, "", ("b",))]},
            [(0, 0), (2, 0)],
        ),
        # a node without GPUs beside one with
        ({"told": ranks((2, FOUR), (4, ()))}, [(0, 0), (1, 1)]),
        ({"told": ranks((2, FOUR), (4, ())), "most": 6}, [(0, 0), (1, 1)]),
        # ... the first: nobody mixes bits of GPUs and CPUs
        ({"told": ranks((2, ()), (4, FOUR))}, [(0, None)]),
        ({"told": ranks((2, ()), (4, FOUR)), "most": 3}, [(0, None), (2, None), (1, None)]),
        # on CPUs as many as asked for, and one without a word
        ({"told": ranks((4, ()))}, [(0, None)]),
        ({"told": ranks((2, ()), (2, ())), "most": 3}, [(0, None), (2, None), (1, None)]),
        ({"told": ranks((2, ())), "most": 9}, [(0, None), (1, None)]),
        ({"told": ranks((4, FOUR)), "device": "cpu", "most": 2}, [(0, None), (1, None)]),
        ({"told": ranks((4, FOUR)), "device": "cpu"}, [(0, None)]),
        ({"told": ranks((4, FOUR)), "device": "cuda"}, [(0, 0), (1, 1), (2, 2), (3, 3)]),
        # torch may know of a GPU that the driver's files do not show, such as AMD's
        ({"told": ranks((4, ())), "device": "cuda"}, [(0, None)]),
    ],
)
def test_places_are_dealt_out(given: dict, expected: list) -> None:
    assert dealt(**given) == expected


def test_no_gpu_is_taken_more_often_than_allowed_and_none_twice_before_all_are_once() -> None:
    for count in range(1, 12):
        for n_gpus in range(1, 5):
            for per_gpu in range(1, 4):
                taken = [gpu for _, gpu in dealt(ranks((count, FOUR[:n_gpus])), per_gpu=per_gpu)]
                times = [taken.count(gpu) for gpu in range(n_gpus)]
                assert sum(times) == min(count, n_gpus * per_gpu)
                assert max(times) - min(times) <= 1


def test_ranks_of_a_node_need_not_follow_each_other() -> None:
    told = [Told(rank % 3, "n", FOUR[:1]) for rank in range(9)]
    assert dealt(told) == [(0, 0), (1, 0), (2, 0)]


def test_the_map_is_one_line_with_nodes_ranks_and_gpus() -> None:
    told = ranks((2, ("GPU-8f6d2a1c-1b2c-3d4e", "gpu1")), (2, MIG), (4, ()), (1, ()))
    places = assign(told, "auto", 99, 0, 1)
    assert map_text(told, places) == (
        "generators on 4 of 9 ranks: "
        "node0 (2 ranks) rank 0 on GPU-8f6d2a1c, rank 1 on gpu1; "
        "node2 (2 ranks) rank 2 on MIG-1, rank 3 on MIG-2; 2 nodes without"
    )
    assert map_text(ranks((3, ())), [Place(0)]) == (
        "generators on 1 of 3 ranks: node0 (3 ranks) rank 0 on cpu"
    )


@pytest.fixture
def node(tmp_path: Path) -> Path:
    """The files of a driver with three GPUs; PCI addresses are in another order than numbers."""
    (tmp_path / "dev").mkdir()
    for name in ("nvidia0", "nvidia1", "nvidia2", "nvidiactl", "nvidia-uvm", "null"):
        (tmp_path / "dev" / name).touch()
    for address, minor in (("0000:07:00.0", 2), ("0000:0a:00.0", 0), ("0000:47:00.0", 1)):
        folder = tmp_path / "proc" / "driver" / "nvidia" / "gpus" / address
        folder.mkdir(parents=True)
        (folder / "information").write_text(
            f"Model: \t\t NVIDIA A100\nIRQ:   \t\t 5\nGPU UUID: \t GPU-{minor}{minor}-ab\n"
            f"Bus Location: \t {address}\nDevice Minor: \t {minor}\nGPU Excluded:\t No\n"
        )
    return tmp_path


@pytest.mark.parametrize(
    ("listed", "seen"),
    [
        (None, ("GPU-22-ab", "GPU-00-ab", "GPU-11-ab")),
        ("", ()),
        ("-1", ()),
        ("NoDevFiles", ()),
        ("0", ("GPU-22-ab",)),
        ("2,0", ("GPU-11-ab", "GPU-22-ab")),
        (" 1 , 2 ", ("GPU-00-ab", "GPU-11-ab")),
        ("1,-1,0", ("GPU-00-ab",)),
        ("0,7,1", ("GPU-22-ab",)),
        ("7", ()),
        ("1,1", ()),
        ("GPU-11", ("GPU-11-ab",)),
        ("GPU-00-ab,GPU-22-ab", ("GPU-00-ab", "GPU-22-ab")),
        ("GPU-", ()),
        ("GPU-33", ()),
        ("MIG-5", ("MIG-5",)),
        ("MIG-5,MIG-6", ("MIG-5", "MIG-6")),
    ],
)
def test_a_process_sees_what_cuda_would_show_it(
    node: Path, listed: str | None, seen: tuple[str, ...]
) -> None:
    environment = {} if listed is None else {"CUDA_VISIBLE_DEVICES": listed}
    assert visible_gpus(environment, node) == seen


def test_a_gpu_that_a_batch_system_denies_is_not_counted(node: Path) -> None:
    """Each rank has CUDA_VISIBLE_DEVICES=0 then, and it is not the same GPU."""
    (node / "dev" / "nvidia2").unlink()
    assert visible_gpus({"CUDA_VISIBLE_DEVICES": "0"}, node) == ("GPU-00-ab",)
    if os.geteuid() != 0:  # nothing is denied to root
        (node / "dev" / "nvidia0").chmod(0)
        assert visible_gpus({}, node) == ("GPU-11-ab",)


def test_without_the_drivers_information_a_gpu_has_its_number(node: Path) -> None:
    path = node / "proc" / "driver" / "nvidia" / "gpus" / "0000:0a:00.0" / "information"
    path.write_text(path.read_text().replace("GPU-00-ab", "GPU-????????-????"))
    assert visible_gpus({}, node) == ("GPU-22-ab", "GPU-11-ab", "gpu0")


@pytest.mark.parametrize("listed", [{}, {"CUDA_VISIBLE_DEVICES": "0"}])
def test_a_node_without_a_driver_has_no_gpu(tmp_path: Path, listed: dict[str, str]) -> None:
    assert visible_gpus(listed, tmp_path) == ()
