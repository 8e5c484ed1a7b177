"""The coupler's own restart: the clock of an emulator, in one small file that checks itself.

It is a safetensors file with a manifest, as checkpoints are (generator/checkpoint.py): format
version, member, date, what it belongs to, and the forcing of that day as float64. The state is the
host's, and goes into the host's own restart; noise is a function of seed, member and date.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import CheckpointError

if TYPE_CHECKING:
    from ..modes.forecast import Clock

_FREE = ("seed", "conserve")  # what a run may choose anew; the rest has to be as it was


def write_restart(path: Path, clock: Clock, identity: Mapping[str, Any]) -> None:
    """Write atomically, over a file that is there; OutputError if it cannot be written."""
    from ..generator.checkpoint import write_checkpoint

    manifest = {"kind": "restart", "member": clock.member, "date": str(clock.date), **identity}
    tensors = {} if clock.forcing is None else {"forcing": clock.forcing}
    write_checkpoint(path, manifest, tensors)


def read_restart(path: Path, identity: Mapping[str, Any]) -> tuple[Clock, str]:
    """The clock, and a note if the namelist has changed what makes its bits. CheckpointError for a
    file that is missing, damaged, or of another emulator or ocean."""
    from ..generator.checkpoint import read_checkpoint
    from ..modes.forecast import Clock
    from ..state import parse_date

    if not path.is_file():
        raise CheckpointError(
            f"the restart '{path}' is no file: give the path that write_restart was given, seen "
            f"from {Path.cwd()}"
        )
    file = read_checkpoint(path, kind="restart")
    said = file.manifest
    for key, what in (("emulator_sha256", "emulator"), ("mask_sha256", "ocean mask")):
        if said[key] != identity[key]:
            raise CheckpointError(
                f"the restart '{path}' was written with another {what} ({said[key][:12]}, here it "
                f"is {identity[key][:12]}): go on with the same {what}, or start from generate"
            )
    changed = [f"{k} = {identity[k]} (was {said[k]})" for k in _FREE if said[k] != identity[k]]
    note = f"note: the run goes on with {', '.join(changed)}" if changed else ""
    return Clock(said["member"], parse_date(said["date"]), file.tensors.get("forcing")), note
