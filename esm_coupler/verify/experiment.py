"""One row of the experiment: states of a generator or a rival on days around the year."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..atomic import replace_file
from ..errors import GeneratedStateError
from ..state import State
from .rivals import RIVALS
from .states import States, write_states
from .states_file import read_states

if TYPE_CHECKING:
    from ..generator.generator import Generator, Request

YEAR = 1991  # any that is no leap year: the day of the year is the condition
SEED = 1
TRIES = 5


class Kept(Protocol):
    """States of a row that is not finished, by number from 1: `cli.member_store` has such."""

    def load(self, member: int, shape: tuple[int, int, int]) -> np.ndarray | None: ...
    def save(self, member: int, values: np.ndarray) -> None: ...


@dataclass(frozen=True)
class Drawn:
    """Projected states, what they were before, and what one of them cost."""

    states: States
    decoded: States
    cost: dict[str, Any]


def days_around_the_year(n_states: int) -> np.ndarray:
    """(n_states,) datetime64[D], evenly over a year of 365 days; several on one day if more."""
    day = (np.arange(n_states) * 365) // n_states
    return np.datetime64(f"{YEAR}-01-01") + day


def draw(
    source: Generator | str, dates: np.ndarray, training: States, sampling: Mapping[str, Any],
    kept: Kept, progress: Callable[[Sequence[int]], Iterator[int]] = iter,
) -> Drawn:  # fmt: skip
    """A state of each date, member k + 1 for date k, from a generator or a rival by its name.

    `sampling`: options of a Request. What is in `kept` is not made again, but for the last state
    if no other was made, so that there are seconds to tell. `progress` wraps the numbers that are
    gone through. A state that the generator refuses as no sea ice is counted and drawn again as
    another member; GeneratedStateError if that does not help.
    """
    from ..generator.projection import project

    pairs, seconds, refused = [], [], 0
    for k in progress(range(len(dates))):
        start = time.perf_counter()
        untimed = k + 1 == len(dates) and not seconds
        found = None if untimed else kept.load(k + 1, training.fields.shape[1:])
        failures = 0
        if found is None:
            found, failures = _values(source, k, dates, training, sampling)
            seconds.append((time.perf_counter() - start) / (1 + failures))
            refused += failures
            if not failures:  # else to be made, and counted, again
                kept.save(k + 1, found)
        decoded = State(found, training.names, training.grid)
        state = project(decoded)[0]
        pairs.append((state.values.astype("f4"), decoded.values.astype("f4")))
    made, raw = (np.stack(fields) for fields in zip(*pairs, strict=True))
    cost = {"seconds_a_state": float(np.median(seconds)), "refused": refused}
    if not isinstance(source, str):
        cost |= {"nfe": source.nfe(_request(1, dates[0], sampling)), **sizes(source)}
    return Drawn(
        States(made, dates, training.names, training.grid),
        States(raw, dates, training.names, training.grid), cost,
    )  # fmt: skip


def _values(
    source: Generator | str, k: int, dates: np.ndarray, training: States,
    sampling: Mapping[str, Any],
) -> tuple[np.ndarray, int]:  # fmt: skip
    """(field, y, x) of one state, before projection, and how many were refused before it."""
    if isinstance(source, str):
        return RIVALS[source](np.random.default_rng([SEED, k]), dates[k], training), 0
    failures = 0
    while True:
        member = k + 1 + failures * len(dates)  # none that another date has
        try:
            return source.sample(_request(member, dates[k], sampling)).decoded.values, failures
        except GeneratedStateError:
            failures += 1
            if failures == TRIES:
                raise


def _request(member: int, date: np.datetime64, sampling: Mapping[str, Any]) -> Request:
    from ..generator.generator import Request

    return Request(member, date.astype(object), SEED, **sampling)


def sizes(generator: Generator) -> dict[str, int]:
    """Weights of what is sampled and of the space in which it is."""
    networks = {
        "parameters": generator.model.denoisers,
        "parameters_space": [generator.model.space],
    }
    return {
        name: sum(p.numel() for network in several for p in network.parameters())
        for name, several in networks.items()
    }  # fmt: skip


def write_drawn(drawn: Drawn, folder: Path, name: str, origin: Mapping[str, Any]) -> None:
    """NAME.nc and NAME_decoded.nc, then NAME_cost.json, which says that they are complete."""
    for suffix, states in (("", drawn.states), ("_decoded", drawn.decoded)):
        write_states(states, folder / f"{name}{suffix}.nc", origin, overwrite=True)
    text = json.dumps({"origin": dict(origin), "cost": drawn.cost}, indent=2)
    replace_file(folder / f"{name}_cost.json", (text + "\n").encode())


def read_drawn(folder: Path, name: str, origin: Mapping[str, Any]) -> Drawn | None:
    """What `write_drawn` wrote, if it is there and of the same origin."""
    about = folder / f"{name}_cost.json"
    if not about.is_file():
        return None
    found = json.loads(about.read_text(encoding="utf-8"))
    if found["origin"] != dict(origin):
        return None
    states, decoded = (read_states(folder / f"{name}{s}.nc") for s in ("", "_decoded"))
    return Drawn(states, decoded, found["cost"])
