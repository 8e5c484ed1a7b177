"""The parts of the coupling that need no host: what errors mean, libraries, threads, blocks."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from cffi import FFI

from esm_coupler.coupling.agree import shorten
from esm_coupler.coupling.device import TorchThread
from esm_coupler.coupling.domain import Block, Domain
from esm_coupler.coupling.failure import explain
from esm_coupler.coupling.libraries import duplicate_libraries, loaded_libraries
from esm_coupler.coupling.views import HostArray, real_kind
from esm_coupler.errors import FieldError, InvalidValueError, Status

MAPS = """\
7f10-7f11 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30
7f11-7f12 r--p 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30
7f12-7f13 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libhdf5_serial.so.103.3.0
7f13-7f14 r-xp 00000000 fe:01 1 /venv/site packages/netCDF4.libs/libhdf5-2a1b3c.so.310
7f14-7f15 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libhdf5_serial_hl.so.100
7f15-7f16 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libnetcdff.so.7
7f16-7f17 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libmpi.so.40.30.4
7f17-7f18 r-xp 00000000 fe:01 1 /usr/lib/x86_64-linux-gnu/libmpi_mpifh.so.40
7f18-7f19 rw-p 00000000 00:00 0 [heap]
"""


def test_two_copies_of_a_library_are_found_and_its_relatives_are_not() -> None:
    assert duplicate_libraries(MAPS) == {
        "libhdf5": [
            "/usr/lib/x86_64-linux-gnu/libhdf5_serial.so.103.3.0",
            "/venv/site packages/netCDF4.libs/libhdf5-2a1b3c.so.310",
        ]
    }
    assert set(loaded_libraries(MAPS)) == {"libhdf5", "libstdc++", "libmpi"}


def test_this_process_has_a_cpp_library() -> None:
    assert loaded_libraries()["libstdc++"]


def test_an_old_cpp_library_is_explained_in_a_sentence() -> None:
    verdict = explain(
        ImportError("/lib/libstdc++.so.6: version `GLIBCXX_3.4.32' not found (required by torch)")
    )
    assert verdict.status == Status.INTERPRETER
    assert "GLIBCXX_3.4.32" in verdict.text and "LD_LIBRARY_PATH" in verdict.text
    assert "Traceback" not in verdict.text


def test_a_missing_package_is_named_with_its_interpreter() -> None:
    verdict = explain(ModuleNotFoundError("No module named 'torch'", name="torch"))
    assert verdict.status == Status.INTERPRETER
    assert "'torch'" in verdict.text and sys.prefix in verdict.text


def test_a_users_mistake_is_told_without_traceback_and_others_with_it() -> None:
    assert explain(InvalidValueError("member is 0")).text == "member is 0"
    try:
        raise KeyError("odd")
    except KeyError as error:
        assert "Traceback" in explain(error).text


def test_an_error_that_cannot_be_told_is_still_an_error() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise MemoryError

    assert explain(Mute()).status == Status.MEMORY


def test_a_long_text_keeps_its_head_and_its_tail() -> None:
    text = "what" + "x" * 1000 + "where"
    short = shorten(text, 100)
    assert len(short) <= 100
    assert short.startswith("what") and short.endswith("where")
    assert shorten("short", 100) == "short"


def test_an_mpi_that_the_host_has_not_initialised_is_told_with_both_libraries() -> None:
    """Here the host is Python, which has not called MPI_Init."""
    code = (
        "from esm_coupler.coupling.mpi import require_mpi\n"
        "from esm_coupler.errors import MpiError\n"
        "try:\n    require_mpi()\nexcept MpiError as error:\n    print(error.status, error)\n"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout.startswith("6 mpi4py uses '"), done.stderr
    assert "libmpi" in done.stdout and "not initialised" in done.stdout


def test_what_every_rank_imports_is_light() -> None:
    """In a host with HDF5 of its own, netCDF4 in Python ends the process."""
    code = (
        "import sys, esm_coupler.coupling.entry\n"
        "heavy = {'torch', 'netCDF4', 'h5py', 'xarray', 'pandas', 'pydantic', 'f90nml', 'scipy',"
        " 'matplotlib', 'typer', 'rich', 'safetensors', 'importlib.metadata'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr


def test_a_rank_without_generator_has_no_threads_of_its_own() -> None:
    code = (
        "import os\nbefore = dict(os.environ)\nimport esm_coupler.coupling.entry\n"
        "assert before == dict(os.environ)\nprint(len(os.listdir('/proc/self/task')))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True)
    assert done.stdout == "1\n", done.stderr


def test_torch_has_a_thread_that_leaves_signals_to_the_host() -> None:
    thread = TorchThread(threads=1)
    blocked = thread.call(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, []))
    assert {signal.SIGTERM, signal.SIGUSR1, signal.SIGINT} <= blocked
    assert signal.SIGSEGV not in blocked
    assert thread.call(threading.get_ident) == thread.call(threading.get_ident)
    assert thread.call(threading.get_ident) != threading.get_ident()
    thread.close()
    assert threading.stack_size() == 0, "the host's own threads get their usual stack"


def test_what_torch_raises_in_its_thread_is_raised_here() -> None:
    thread = TorchThread(threads=1)
    with pytest.raises(SystemExit):
        thread.call(lambda: sys.exit(3))
    thread.close()


@pytest.mark.parametrize(
    ("extents", "fits"),
    [
        ((6, 5, 2), True),  # this rank's largest block, with halo
        ((9, 8, 2), True),  # the largest block of any rank
        ((9, 5, 2), False),  # neither
        ((6, 5, 3), False),  # another number of blocks
        ((6, 5), False),  # one layer for two blocks
    ],
)
def test_arrays_fit_the_blocks_of_the_rank(extents: tuple[int, ...], fits: bool) -> None:
    domain = Domain(20, 20, 1, (Block(1, 1, 4, 2), Block(5, 1, 3, 3)), largest=(7, 6))
    if fits:
        domain.check_extents("'sic'", extents)
    else:
        with pytest.raises(FieldError, match="'sic'"):
            domain.check_extents("'sic'", extents)


@pytest.mark.parametrize(
    ("second", "parts"),
    [(Block(5, 1, 3, 3), 2), (Block(5, 1, 4, 2), 1)],
    ids=["blocks of two sizes", "of one, copied at once"],
)
def test_interiors_are_views_into_the_hosts_array(second: Block, parts: int) -> None:
    domain = Domain(20, 20, 1, (Block(1, 1, 4, 2), second), largest=(4, 3))
    host = np.zeros((2, 5, 6))
    assert len(domain.interiors(host)) == parts
    for interior in domain.interiors(host):
        interior[...] = 1.0
    assert host[0].sum() == 8 and host[1].sum() == second.nx * second.ny
    assert host[:, 0].sum() == host[:, :, 0].sum() == 0


def test_a_kept_view_is_the_hosts_memory_and_so_is_a_new_one() -> None:
    ffi = FFI()
    memory = ffi.new("float[]", 30)
    domain = Domain(4, 3, 1, (Block(1, 1, 4, 3),), largest=(4, 3))
    array = HostArray(ffi, "sic", ffi.cast("void *", memory), real_kind("sic", 4), (6, 5))
    array.renew(domain)
    kept = array.view
    array.write(np.arange(12.0))
    assert array.view is kept, "no call makes it anew"
    assert list(memory[7:11]) == [0.0, 1.0, 2.0, 3.0], "first row of the interior"
    array.renew(domain)
    assert array.view is not kept
    assert np.shares_memory(array.view, kept)


@pytest.mark.parametrize("item_size", [1, 2, 10, 16])
def test_only_single_and_double_precision_are_reals(item_size: int) -> None:
    with pytest.raises(FieldError, match="real32 or real64"):
        real_kind("sic", item_size)


def test_the_status_numbers_are_those_of_the_header() -> None:
    header = Path(__file__).parents[2] / "fortran_bridge" / "include" / "esm_coupler.h"
    text = header.read_text()
    for status in Status:
        assert f"ESM_{status.name} = {status.value}" in text


def test_two_threads_of_a_host_are_not_in_a_coupler_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from esm_coupler.coupling import entry

    session = SimpleNamespace(lock=threading.Lock(), agreement=None)
    entered, met = threading.Event(), threading.Event()
    inside: list[None] = []

    def call(_: object) -> None:
        inside.append(None)
        if len(inside) > 1:
            met.set()
        entered.set()
        met.wait(timeout=0.5)  # long enough for the other thread, if nothing holds it back
        inside.pop()

    monkeypatch.setattr(entry, "_running", {1: session})
    monkeypatch.setattr(entry, "require_mpi", lambda: None)
    monkeypatch.setattr(entry, "run", lambda name, phases, agreement: phases())
    monkeypatch.setattr(entry, "_answer", lambda _: 1)
    with ThreadPoolExecutor(2) as threads:
        calls = [threads.submit(entry._collective, "generate", 1, call)]
        entered.wait(timeout=5)
        calls.append(threads.submit(entry._collective, "generate", 1, call))
        assert [done.result() for done in calls] == [1, 1]
    assert not met.is_set()
