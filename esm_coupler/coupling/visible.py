"""The GPUs that this process may use, found without CUDA, which most ranks never load."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path


def visible_gpus(
    environment: Mapping[str, str] = os.environ, root: Path = Path("/")
) -> tuple[str, ...]:
    """Names in the order of CUDA's numbers; in two processes of a node one name is one GPU.

    A name is the UUID of a GPU or of a MIG instance, else 'gpu' and a number. Follows
    CUDA_VISIBLE_DEVICES as CUDA does: indices, UUIDs or their beginnings, up to the first that is
    none. The order is that of PCI addresses, CUDA's own where all GPUs of a node are of one kind.
    """
    gpus = _gpus_of_node(root)
    listed = environment.get("CUDA_VISIBLE_DEVICES")
    return gpus if listed is None else _listed(listed, gpus)


def _listed(text: str, gpus: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for entry in map(str.strip, text.split(",")):
        name = _named(entry, gpus)
        if name is None:
            break
        names.append(name)
    # CUDA takes a list that names a device twice for a mistake, and shows none.
    return tuple(names) if len(set(names)) == len(names) else ()


def _named(entry: str, gpus: Sequence[str]) -> str | None:
    """The GPU of one entry of the list; None if there is none."""
    if re.fullmatch(r"\d+", entry, re.ASCII):
        return gpus[int(entry)] if int(entry) < len(gpus) else None
    if entry.startswith("MIG-"):
        return entry if gpus else None
    matching = [name for name in gpus if entry.startswith("GPU-") and name.startswith(entry)]
    return matching[0] if len(matching) == 1 else None


def _gpus_of_node(root: Path) -> tuple[str, ...]:
    """What the driver's files show: in a container or under a batch system only what is ours."""
    nodes = {path.name: path for path in (root / "dev").glob("nvidia*")}
    numbers = (re.fullmatch(r"nvidia(\d+)", name) for name in nodes)
    ours = {int(n[1]) for n in numbers if n and os.access(nodes[n[0]], os.R_OK | os.W_OK)}
    known = [_information(path) for path in sorted(_folder(root).glob("*/information"))]
    named = {minor: uuid for minor, uuid in known if minor in ours}
    return (*named.values(), *(f"gpu{minor}" for minor in sorted(ours - named.keys())))


def _folder(root: Path) -> Path:
    """One folder a GPU, named by its PCI address."""
    return root / "proc" / "driver" / "nvidia" / "gpus"


def _information(path: Path) -> tuple[int, str]:
    """Number of the device file and UUID of a GPU; -1 where they are not told."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return -1, ""
    minor = re.search(r"Device Minor:\s*(\d+)", text)
    uuid = re.search(r"GPU UUID:\s*(GPU-[0-9a-f-]+)\s", text)  # question marks before its first use
    return (int(minor[1]), uuid[1]) if minor and uuid else (-1, "")
