"""Which ranks hold a generator, and on which GPU: a pure function of what all ranks have told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Place:
    """A rank with a generator. `gpu` is the number of its GPU among those that it sees; None is the
    CPU, or what torch takes of itself."""

    rank: int
    gpu: int | None = None


@dataclass(frozen=True)
class Told:
    """What a rank says of itself: the lowest rank of its node, the node's name, the GPUs it sees
    (see visible.py)."""

    node: int
    name: str = ""
    gpus: tuple[str, ...] = ()


def assign(
    told: Sequence[Told], device: str, members_ahead: int, generator_ranks: int, ranks_per_gpu: int
) -> tuple[Place, ...]:
    """The generators' places, that of rank 0 first: never more than members that are made at once.

    Nodes are served in turns. On GPUs, each is taken once before any is taken twice, at most
    `ranks_per_gpu` times, and `generator_ranks` = 0 means as many as that gives; without, 0 means
    one. If rank 0 sees no GPU nobody uses one: members from a GPU and from a CPU differ in bits.
    """
    ranks = _in_turns([each.node for each in told])
    if device == "cpu" or not told[0].gpus:
        return tuple(Place(rank) for rank in ranks[: min(members_ahead, generator_ranks or 1)])
    most = min(members_ahead, generator_ranks or len(told))
    takers: Counter[tuple[int, str]] = Counter()
    places: dict[int, Place] = {}
    for at_most in range(1, min(ranks_per_gpu, most) + 1):
        for rank in ranks:
            if rank not in places and len(places) < most:
                gpu = _free_gpu(told[rank], takers, at_most)
                if gpu is not None:
                    takers[told[rank].node, told[rank].gpus[gpu]] += 1
                    places[rank] = Place(rank, gpu)
    return tuple(places.values())


def _free_gpu(told: Told, takers: Counter[tuple[int, str]], at_most: int) -> int | None:
    """The first GPU that a rank sees and fewer than `at_most` have taken."""
    numbered = enumerate(told.gpus)
    return next((n for n, name in numbered if takers[told.node, name] < at_most), None)


def _in_turns(nodes: Sequence[int]) -> list[int]:
    """All ranks: the first of each node, then the second of each, ..."""
    seen: Counter[int] = Counter()
    turns = []
    for rank, node in enumerate(nodes):
        turns.append((seen[node], rank))
        seen[node] += 1
    return [rank for _, rank in sorted(turns)]


def map_text(told: Sequence[Told], places: Sequence[Place]) -> str:
    """Where everything is, in one line: nodes with generators, their ranks and GPUs."""
    nodes = sorted({told[place.rank].node for place in places})
    parts = [_node_text(node, told, places) for node in nodes]
    idle = len({each.node for each in told}) - len(nodes)
    if idle:
        parts.append(f"{idle} nodes without")
    return f"generators on {len(places)} of {len(told)} ranks: {'; '.join(parts)}"


def _node_text(node: int, told: Sequence[Told], places: Sequence[Place]) -> str:
    n_ranks = sum(each.node == node for each in told)
    on_it = sorted((p for p in places if told[p.rank].node == node), key=lambda p: p.rank)
    ranks = ", ".join(f"rank {p.rank} on {_device_text(told[p.rank], p)}" for p in on_it)
    return f"{told[node].name or f'node of rank {node}'} ({n_ranks} ranks) {ranks}"


def _device_text(told: Told, place: Place) -> str:
    """A UUID by its first group, which tells the GPUs of a node apart."""
    if place.gpu is None:
        return "cpu"
    name = told.gpus[place.gpu]
    kind, _, rest = name.partition("-")
    return f"{kind}-{rest.partition('-')[0]}" if rest else name
