"""Pieces of scripts for hosts that emulate, and what Python gives for the same steps."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np

from esm_coupler import Generator
from esm_coupler.fields import FORCINGS
from esm_coupler.generator.emulator import Emulator
from esm_coupler.modes.forecast import Clock, advance
from esm_coupler.state import State, parse_date

from .hosts_build import Hosts
from .layouts import read_field, write_field
from .scripts import DATE, NX, NY, SEED, domain, sampled

DAY = 86400
NAMES = ("sic", "sit", "snt", "siu", "siv")
KINDS = {"tas": 8, "uas": 4, "vas": 8}  # one as real32, whose numbers the forcing keeps to


def date_after(days: int) -> int:
    return int(f"{parse_date(DATE) + datetime.timedelta(days=days):%Y%m%d}")


def forcing_of(day: int) -> np.ndarray:
    """(3, y, x) of a day after DATE; no two days, fields or cells are alike."""
    draw = np.random.default_rng(day).random((3, NY, NX))
    values = np.array([255.0, 4.0, -3.0])[:, None, None] + 5 * draw
    return values.astype(np.float32).astype(np.float64)


def namelist(
    hosts: Hosts, checkpoint: Path, emulator: Path | str, *, forecast: str = "",
    name: str = "emulate.nml", **keys: object,
) -> str:  # fmt: skip
    """A namelist for a coupler that emulates; gives the file's name."""
    text = hosts.namelist(
        name,
        coupler={"step_mode": "emulate", **keys},
        generator={"checkpoint": checkpoint, "n_steps": 2, "device": "cpu"},
        ensemble={"seed": SEED},
        forecast={"checkpoint": emulator},
    )
    path = hosts.folder / text
    path.write_text(path.read_text().replace("&forecast_nml\n", f"&forecast_nml\n{forecast}\n"))
    return text


def start(hosts: Hosts, namelist: str, layout: list, names: tuple[str, ...] = NAMES) -> str:
    """Start, and bind the fields."""
    script = f"start 1 world {namelist}\n" + domain(hosts, layout)
    return script + "".join(f"field {name} 8 3\nbind 1 {name}\n" for name in names)


def bind_forcing(hosts: Hosts, day: int, names: tuple[str, ...] = tuple(FORCINGS)) -> str:
    fields = "".join(f"field {name} {KINDS[name]} 3\n" for name in names)
    return fields + load_forcing(hosts, day, names) + "".join(f"bind 1 {n}\n" for n in names)


def load_forcing(hosts: Hosts, day: int, names: tuple[str, ...] = tuple(FORCINGS)) -> str:
    values = dict(zip(FORCINGS, forcing_of(day), strict=True))
    files = {n: write_field(hosts.folder / f"{n}_{day}.in", values[n]) for n in names}
    return "".join(f"load {name} {file}\n" for name, file in files.items())


def load_state(hosts: Hosts, state: State) -> str:
    files = {n: write_field(hosts.folder / f"{n}.in", state[n]) for n in state.names}
    return "".join(f"load {name} {file}\n" for name, file in files.items())


def save_state(stem: str = "end") -> str:
    return "".join(f"save {name} {stem}_{name}\n" for name in NAMES)


def saved_state(hosts: Hosts, ranks: int, stem: str = "end") -> np.ndarray:
    """(field, y, x)."""
    files = (f"{stem}_{name}" for name in NAMES)
    return np.stack([read_field(hosts.folder, file, ranks, (NY, NX)) for file in files])


def expected(
    generator: Generator, emulator: Path, ends: list[int], member: int = 1, first: int | None = 0
) -> list[np.ndarray]:
    """The state after steps that end on these days, from a generated one, through Python; with
    the forcing of day `first`, or none, at the start."""
    network = Emulator.load(emulator, device="cpu")
    state = sampled(generator, member)
    clock = Clock(member, parse_date(DATE), None if first is None else forcing_of(first))
    states, now = [], 0
    for day in ends:
        steps, clock = advance(
            network, state, clock, date=parse_date(date_after(now)), seconds=DAY * (day - now),
            forcing=forcing_of(day), seed=SEED,
        )  # fmt: skip
        state, now = steps[-1].state, day
        states.append(state.values)
    return states
