"""Pieces of scripts for hosts of a tiny generator, and what they saved afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from esm_coupler import Generator
from esm_coupler.generator.generator import Request
from esm_coupler.state import State, parse_date

from .hosts_build import Hosts
from .layouts import read_field, write_field, write_table

NX, NY = 32, 16
DATE = 20180301
SEED = 5
KINDS = {"sic": 8, "sit": 8, "snt": 4, "siu": 8, "siv": 4}


def sampled(generator: Generator, member: int, **sampling: Any) -> State:
    request = Request(member, parse_date(DATE), SEED, **{"n_steps": 2, **sampling})
    return generator.sample(request).state


def start(
    hosts: Hosts, checkpoint: Path | str, coupler: int = 1, device: str = "cpu",
    sampling: dict[str, object] | None = None, **keys: object,
) -> str:  # fmt: skip
    namelist = hosts.namelist(
        f"{Path(checkpoint).stem}_{device}.nml",
        coupler=keys,
        generator={"checkpoint": checkpoint, "n_steps": 2, "device": device, **(sampling or {})},
        ensemble={"seed": SEED},
    )
    return f"start {coupler} world {namelist}\n"


def domain(hosts: Hosts, layout: list, coupler: int = 1, nx: int = NX, ny: int = NY) -> str:
    table = write_table(hosts.folder / f"blocks_{coupler}_{nx}.txt", layout)
    return f"blocks {nx} {ny} 1 {table}\ndomain {coupler}\n"


def bind(hosts: Hosts, fields: dict[str, np.ndarray | None], coupler: int = 1) -> str:
    """Bind fields, with values (y, x) in them where some are given."""
    lines = []
    for name, values in fields.items():
        array = f"{name}_{coupler}"
        lines += [f"field {array} {KINDS[name]} 3"]
        if values is not None:
            lines += [f"load {array} {write_field(hosts.folder / f'{array}.in', values)}"]
        lines += [f"bind {coupler} {name} {array}"]
    return "\n".join([*lines, ""])


def save(names: list[str], coupler: int = 1) -> str:
    return "".join(
        f"save {name}_{coupler} {name}_{coupler}.out\nedges {name}_{coupler}\n" for name in names
    )


def saved(hosts: Hosts, name: str, ranks: int, coupler: int = 1) -> np.ndarray:
    return read_field(hosts.folder, f"{name}_{coupler}.out", ranks, (NY, NX))


def as_host(values: np.ndarray, name: str) -> np.ndarray:
    return values if KINDS[name] == 8 else values.astype(np.float32).astype(np.float64)
