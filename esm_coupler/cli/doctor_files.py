"""The doctor on checkpoints and namelists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..errors import EsmCouplerError
from .finding import Finding


def checkpoint(name_or_path: str, kind: str = "generator") -> Finding:
    """Whether a checkpoint is there, sound, and of this kind."""
    from ..generator.checkpoint import read_checkpoint

    try:
        read = read_checkpoint(name_or_path, kind)
    except EsmCouplerError as error:
        return Finding("checkpoint", "fault", str(error))
    fields = ", ".join(read.manifest["fields"])
    text = f"'{name_or_path}' is sound (sha256 {read.sha256[:12]}...), with {fields}"
    return Finding("checkpoint", "ok", text)


def namelist(file: Path) -> Iterator[Finding]:
    """Whether a namelist is valid, and the checkpoint that it names sound."""
    from ..config import read_namelist

    try:
        config = read_namelist(file)
    except EsmCouplerError as error:
        for sentence in str(error).splitlines():
            yield Finding("namelist", "fault", sentence)
        return
    yield Finding("namelist", "ok", f"{file} is valid")
    yield checkpoint(config.generator.checkpoint)
    if config.coupler.step_mode == "emulate":
        yield checkpoint(config.forecast.checkpoint, "emulator")
