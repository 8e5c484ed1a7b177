"""One row of the experiment: states of a generator or a rival on days around the year, scored."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import replace_file
from ..state import State
from .rivals import RIVALS
from .states import States, write_states
from .states_file import read_states

if TYPE_CHECKING:
    from ..generator.generator import Generator

YEAR = 1991  # any that is no leap year: the day of the year is the condition
SEED = 1


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
    progress: Callable[[Sequence[int]], Iterator[int]] = iter,
) -> Drawn:  # fmt: skip
    """A state of each date, member k + 1 for date k, from a generator or a rival by its name.

    `sampling`: options of a Request. `progress` wraps the numbers that are gone through.
    """
    from ..generator.projection import project

    pairs, seconds = [], []
    for k in progress(range(len(dates))):
        start = time.perf_counter()
        if isinstance(source, str):
            rng = np.random.default_rng([SEED, k])
            values = RIVALS[source](rng, dates[k], training)
            decoded = State(values, training.names, training.grid)
            state = project(decoded)[0]
        else:
            state, decoded = _sample(source, k + 1, dates[k], sampling)
        seconds.append(time.perf_counter() - start)
        pairs.append((state.values.astype("f4"), decoded.values.astype("f4")))
    made, raw = (np.stack(fields) for fields in zip(*pairs, strict=True))
    cost = {"seconds_a_state": float(np.median(seconds)), **_evaluations(source, sampling)}
    return Drawn(
        States(made, dates, training.names, training.grid),
        States(raw, dates, training.names, training.grid), cost,
    )  # fmt: skip


def _sample(
    generator: Generator, member: int, date: np.datetime64, sampling: Mapping[str, Any]
) -> tuple[State, State]:
    from ..generator.generator import Request

    sample = generator.sample(Request(member, date.astype(object), SEED, **sampling))
    return sample.state, sample.decoded


def _evaluations(source: Generator | str, sampling: Mapping[str, Any]) -> dict[str, Any]:
    from ..generator.generator import Request

    if isinstance(source, str):
        return {}
    request = Request(1, np.datetime64(f"{YEAR}-01-01").astype(object), SEED, **sampling)
    request = source.as_trained(request)
    networks = source.model.denoisers
    weights = sum(p.numel() for network in networks for p in network.parameters())
    return {"sampler": request.sampler, "nfe": source.nfe(request), "parameters": weights}


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
