"""What README.md and docs/*.md show does what they say.

Commands of `esm-coupler` and Python blocks are run, whole Fortran programs run on two ranks, the
rest is compiled or at least parsed. Blocks of one document share a folder, in their order.
"""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from esm_coupler.config import parse_namelist
from support.bridge import bridge_prefix, compile_fortran
from support.cli import esm_coupler
from support.mpi import mpirun
from support.snippets import ROOT, Snippet, commands, is_complete, snippets

# What a command of a document needs to be quick.
SMALL = {
    "generate": [
        "--set", "ensemble_nml.members=1", "--set", "generator_nml.n_steps=2",
        "--set", "generator_nml.sampler=dpm",
    ],
    "train": ["--help"],
    "bench": ["--help"],
}
MAY_FIND_FAULTS = ("doctor",)
LANGUAGES = {"bash", "python", "fortran", "namelist", "c", "cpp", "cmake", "make", "text"}
# A few statements of Fortran stand in a host that has all of this.
FRAGMENT = """\
subroutine fragment(coupler, sic, sit, ocean, i_first, j_first, nx, ny)
  use mpi
  use esm_coupler
  implicit none
  type(coupler_t), intent(inout) :: coupler
  real(8), intent(inout), target, contiguous :: sic(:, :, :), sit(:, :, :)
  logical, intent(in) :: ocean(:, :, :)
  integer, intent(in) :: i_first(:), j_first(:), nx(:), ny(:)
  integer :: status, ierr, member, date, step, n_steps, halo, nx_global, ny_global
  real(8) :: seconds, value
  character(len=:), allocatable :: hash, origin
{}
end subroutine
"""


FolderOf = Callable[[Path], Path]


def parametrized(*languages: str) -> pytest.MarkDecorator:
    found = snippets(*languages)
    return pytest.mark.parametrize("snippet", found, ids=[snippet.name for snippet in found])


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory: pytest.TempPathFactory) -> FolderOf:
    """A folder per document, with the worked namelists and the sample of training data in it."""

    @functools.cache
    def make(document: Path) -> Path:
        folder = tmp_path_factory.mktemp(document.stem)
        shutil.copytree(ROOT / "namelists", folder / "namelists")
        (folder / "esm_coupler").mkdir()
        (folder / "esm_coupler" / "data").symlink_to(ROOT / "esm_coupler" / "data")
        return folder

    return make


def succeeded(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@parametrized()
def test_a_block_says_its_language(snippet: Snippet) -> None:
    assert snippet.language in LANGUAGES


@parametrized("bash")
def test_commands_run(
    snippet: Snippet, folder_of: FolderOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folder_of(snippet.document)
    monkeypatch.chdir(folder)
    for words in commands(snippet):
        if words[0] == "esm-coupler":
            run_esm_coupler(words[1:])
        elif words[0] == "make":
            succeeded(["make", "--dry-run", *words[1:]], ROOT)
    succeeded(["bash", "-n", "-c", snippet.text], folder)


def run_esm_coupler(arguments: list[str]) -> None:
    """In this process, which has torch already, and in its folder."""
    if arguments[0] in MAY_FIND_FAULTS:
        arguments = [arguments[0], "--help"]
    redirect = arguments.index(">") if ">" in arguments else len(arguments)
    command = [*arguments[:redirect], *SMALL.get(arguments[0], [])]
    done = esm_coupler(*command)
    assert done.status == 0, f"{command}\n{done.err}"
    if redirect < len(arguments):
        Path(arguments[redirect + 1]).write_text(done.out)


@parametrized("python")
def test_python_runs(snippet: Snippet, folder_of: FolderOf) -> None:
    quick = re.sub(r"members=\d+", "members=2", snippet.text)
    succeeded([sys.executable, "-c", quick], folder_of(snippet.document))


@parametrized("fortran")
def test_fortran_compiles_and_programs_run(
    snippet: Snippet, folder_of: FolderOf, tmp_path: Path
) -> None:
    source = tmp_path / "snippet.f90"
    if re.search(r"^\s*program\b", snippet.text, re.MULTILINE):
        source.write_text(snippet.text)
        program = compile_fortran(source, tmp_path / "snippet", "-ffree-line-length-none")
        done = mpirun(2, program, cwd=folder_of(snippet.document))
        assert done.returncode == 0, done.stderr
        return
    source.write_text(snippet.text if is_complete(snippet) else FRAGMENT.format(snippet.text))
    modules = next(bridge_prefix().glob("include/*/esm_coupler.mod")).parent
    flags = ["-fsyntax-only", "-ffree-line-length-none", f"-I{modules}"]
    succeeded(["mpif90", *flags, str(source)], tmp_path)


@parametrized("c", "cpp")
def test_c_and_cpp_compile(snippet: Snippet, tmp_path: Path) -> None:
    compiler, suffix = {"c": ("mpicc", ".c"), "cpp": ("mpicxx", ".cpp")}[snippet.language]
    source = (tmp_path / "snippet").with_suffix(suffix)
    source.write_text(snippet.text)
    include = ROOT / "fortran_bridge" / "include"
    succeeded([compiler, "-fsyntax-only", f"-I{include}", str(source)], tmp_path)


@parametrized("namelist")
def test_namelists_are_valid(snippet: Snippet) -> None:
    parse_namelist(snippet.text, snippet.name)
