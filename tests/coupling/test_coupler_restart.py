"""Stop, and go on in a new process: the same bits, or one sentence that says why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler import Generator
from esm_coupler.errors import Status
from esm_coupler.testing import tiny_emulator

from .emulation import (
    DAY,
    NAMES,
    bind_forcing,
    date_after,
    expected,
    load_forcing,
    namelist,
    save_state,
    saved_state,
    start,
)
from .hosts_build import Hosts
from .layouts import rows, three_each, tiles, write_field
from .scripts import DATE, NX, NY

MEMBER = 3
DISK = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python does by itself where it is no guest
resource.setrlimit(resource.RLIMIT_FSIZE, ({}, resource.RLIM_INFINITY))
"""


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_emulator(tmp_path_factory.mktemp("emulator") / "emulator.safetensors", (NY, NX))


def steps(hosts: Hosts, first: int, last: int) -> str:
    return "".join(
        load_forcing(hosts, day) + f"step 1 {date_after(day - 1)} {DAY}\n"
        for day in range(first, last + 1)
    )


def test_ten_days_are_five_and_five_in_new_processes_on_other_ranks(
    hosts: Hosts, checkpoint: Path, generator: Generator, emulator: Path
) -> None:
    wanted = expected(generator, emulator, list(range(1, 11)), MEMBER)
    file = namelist(hosts, checkpoint, emulator)
    script = start(hosts, file, tiles(NX, NY, 2)) + bind_forcing(hosts, 0)
    script += f"generate 1 {MEMBER} {DATE}\n" + steps(hosts, 1, 5)
    run = hosts.run(script + save_state("five") + "write_restart 1 restart\nstop 1\n", ranks=2)
    assert run.status("write_restart") == {Status.OK}
    five = saved_state(hosts, 2, "five")
    np.testing.assert_array_equal(five, wanted[4])
    loads = "".join(
        f"load {name} {write_field(hosts.folder / f'{name}.five', values)}\n"
        for name, values in zip(NAMES, five, strict=True)
    )
    for layout, ranks in ((rows, 1), (three_each, 3)):
        script = start(hosts, file, layout(NX, NY, ranks)) + loads + bind_forcing(hosts, 0)
        script += "read_restart 1 restart\n" + steps(hosts, 6, 10) + save_state()
        run = hosts.run(script, ranks)
        assert (run.status("read_restart"), run.message("step")) == ({Status.OK}, "")
        np.testing.assert_array_equal(saved_state(hosts, ranks), wanted[9])


def test_a_restart_that_does_not_fit_is_refused_and_the_clock_stays(
    hosts: Hosts, checkpoint: Path, emulator: Path, tmp_path: Path
) -> None:
    file = namelist(hosts, checkpoint, emulator)
    made = start(hosts, file, rows(NX, NY, 1)) + bind_forcing(hosts, 0)
    first = "write_restart 1 early\n" + f"generate 1 1 {DATE}\nwrite_restart 1 restart\n"
    first += f"generate 1 2 {DATE}\npython {hosts.python('full.py', DISK.format(300))}\n"
    first += f"write_restart 1 restart\npython {hosts.python('free.py', DISK.format(-1))}\n"
    run = hosts.run(made + first + "write_restart 1 nowhere/restart\n")
    early, well, full, nowhere = [c for c in run.ranks[0] if c.verb == "write_restart"]
    assert (early.status, well.status) == (Status.ORDER, Status.OK)
    assert (full.status, nowhere.status) == (Status.FAILED, Status.FAILED)
    assert "there is nothing to go on from" in early.message
    assert "cannot write restart: File too large" in full.message
    assert not list(hosts.folder.glob(".restart*")), "and the whole old file is read below"
    assert "the folder of output nowhere/restart does not exist" in nowhere.message
    content = bytearray((hosts.folder / "restart").read_bytes())
    content[-9] ^= 1
    (hosts.folder / "damaged").write_bytes(content)
    (hosts.folder / "short").write_bytes(content[:100])
    cases = {
        "missing": "the restart 'missing' is no file: give the path",
        "damaged": "damaged: its content does not match its sha256",
        "short": "short is not a readable safetensors file",
        str(emulator): "is a checkpoint of kind 'emulator', needed is 'restart'",
    }
    script = made + f"generate 1 1 {DATE}\n" + load_forcing(hosts, 1)
    script += "".join(f"read_restart 1 {path}\n" for path in cases)
    other = tiny_emulator(tmp_path / "other.safetensors", (NY, NX), seed=1)
    changed = namelist(hosts, checkpoint, other, name="other.nml")
    runs = hosts.run_each({
        "other files": script + f"step 1 {DATE} {DAY}\n",
        "other emulator": start(hosts, changed, rows(NX, NY, 1)) + "read_restart 1 restart\n",
    })  # fmt: skip
    run = runs["other files"]
    assert run.status("step") == {Status.OK}, "as if nothing had been read"
    calls = [call for call in run.ranks[0] if call.verb == "read_restart"]
    for call, text in zip(calls, cases.values(), strict=True):
        assert call.status == Status.CHECKPOINT
        assert text in call.message and "\n" not in call.message
    run = runs["other emulator"]
    assert run.status("read_restart") == {Status.CHECKPOINT}
    assert "was written with another emulator" in run.message("read_restart")


def test_another_coast_is_refused_and_another_seed_is_noted(
    hosts: Hosts, checkpoint: Path, emulator: Path, generator: Generator
) -> None:
    file = namelist(hosts, checkpoint, emulator)
    script = start(hosts, file, rows(NX, NY, 1)) + f"generate 1 1 {DATE}\nwrite_restart 1 restart\n"
    ocean = generator.grid.mask.copy()
    ocean[3, 6] = False
    mask = f"field mask 8 3\nload mask {write_field(hosts.folder / 'mask.in', ocean)}\n"
    run = hosts.run(script + mask + "mask 1 mask\nread_restart 1 restart\n")
    assert run.status("read_restart") == {Status.CHECKPOINT}
    assert "was written with another ocean mask" in run.message("read_restart")
    path = hosts.folder / file
    path.write_text(path.read_text().replace("seed = 5", "seed = 6"))
    script = start(hosts, file, rows(NX, NY, 2)) + "read_restart 1 restart\n"
    run = hosts.run(script, ranks=2)
    assert run.status("read_restart") == {Status.OK}
    assert run.message("read_restart") == "note: the run goes on with seed = 6 (was 5)"
