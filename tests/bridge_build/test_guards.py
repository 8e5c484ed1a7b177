"""A host is left as it was found, and calls at the wrong time get a status, never a crash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.bridge import compile_c, write_generator, write_loopback
from support.mpi import mpirun

from esm_coupler.testing import tiny_checkpoint

HOSTS = Path(__file__).parent / "hosts"


def test_traps_modes_threads_handlers_locale_and_folder_stay_the_hosts(tmp_path: Path) -> None:
    host = compile_c(HOSTS / "guards.c", tmp_path / "host", "-fopenmp", "-frounding-math", "-lm")
    namelist = write_generator(tmp_path, tiny_checkpoint(tmp_path / "tiny.safetensors"))
    done = mpirun(1, host, str(namelist), cwd=tmp_path)
    assert done.stdout == "ice 1 refused 1\n", done.stderr
    assert done.returncode == 0


@pytest.fixture(scope="module", params=[1, 2], ids=["1 rank", "2 ranks"])
def answers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, str]:
    """What each call of hosts/threads.c gave on its first rank: status and message by call."""
    folder = tmp_path_factory.mktemp("threads")
    host = compile_c(HOSTS / "threads.c", folder / "host", "-fopenmp")
    done = mpirun(request.param, host, str(write_loopback(folder)))
    assert done.returncode == 0, done.stderr
    return dict(re.match(r"(\D+) (\d.*)", line).groups() for line in done.stdout.splitlines())


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("message before MPI", "0 "),
        ("start before MPI", "6 esm_start: MPI is not initialised; call esm_start after MPI_Init"),
        ("ping before start", "1 esm_ping: coupler 0 was never started"),
        ("bind before start", "1 esm_bind: coupler 0 was never started"),
        ("stop before start", "1 esm_stop: coupler 0 was never started"),
        ("start on nothing", "6 esm_start: "),
        ("start on nonsense", "6 esm_start: 99999 is not the Fortran handle of a communicator"),
        ("start without file", "7 rank 0: esm_start: the namelist is NULL"),
        ("start", "0 "),
        ("start again", "2 rank 0: esm_start: coupler 1 was started before"),
        ("bind", "0 "),
        ("bind null", "10 rank 0: 'sit' is not contiguous or not allocated"),
        ("diagnostic", "11 diagnostic 'nonsense' is unknown: choose from calls"),
        ("stop", "0 "),
        ("stop again", "3 coupler 1 was stopped"),
        ("generate after stop", "3 coupler 1 was stopped"),
        ("start after stop", "2 rank 0: esm_start: coupler 1 was started before"),
        ("start after MPI", "6 esm_start: MPI is finalised"),
    ],
)
def test_a_call_at_the_wrong_time_gets_a_status_and_a_text(
    answers: dict[str, str], call: str, answer: str
) -> None:
    assert answers[call].startswith(answer)


def test_calls_from_several_openmp_threads_are_all_answered(answers: dict[str, str]) -> None:
    assert answers["threads"] == "0"
    assert answers["generating threads"] == "0"
    assert answers["threads in any order"] == "0"
