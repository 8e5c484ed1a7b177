"""The interpreter is the one that the library was installed with, or the one that the namelist
names, whatever the environment says; if it cannot be had, a sentence says which and why."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from support.bridge import bridge_prefix, compile_c, run, write_generator, write_loopback
from support.mpi import mpirun

from esm_coupler.testing import tiny_checkpoint

HOSTS = Path(__file__).parent / "hosts"
INTERPRETER = "start 5"
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_c(HOSTS / "start.c", tmp_path_factory.mktemp("start") / "start")


@pytest.fixture
def plain_environment(tmp_path: Path) -> Path:
    """A virtual environment of this Python without any package."""
    venv.create(tmp_path / "plain", with_pip=False, symlinks=True)
    return tmp_path / "plain"


def start_with(start: Path, folder: Path, python: Path | str) -> str:
    return mpirun(1, start, str(write_loopback(folder, f"python = '{python}'"))).stdout


def plant(folder: Path, *names: str) -> None:
    """Modules that end the process when they are imported."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.py").write_text("import os\nos._exit(99)\n")


def test_a_hostile_environment_does_not_matter(start: Path, tmp_path: Path) -> None:
    namelist = write_generator(tmp_path, tiny_checkpoint(tmp_path / "tiny.safetensors"))
    plant(tmp_path / "work", "torch", "numpy", "esm_coupler", "encodings")
    plant(tmp_path / "path", "sitecustomize", "usercustomize", "torch", "mpi4py")
    fake = tmp_path / "bin" / "python3"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nexit 99\n")
    fake.chmod(0o755)
    hostile = {
        "PATH": f"{fake.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "path"),
        "PYTHONHOME": str(tmp_path / "nowhere"),
        "PYTHONSTARTUP": str(tmp_path / "work" / "torch.py"),
        "VIRTUAL_ENV": str(tmp_path / "nowhere"),
    }
    done = mpirun(1, start, str(namelist), env=hostile, cwd=tmp_path / "work")
    assert done.stdout == "start 0 \nstop 0 \nstart 0 \nstop 0 \n", done.stderr
    assert done.returncode == 0


def test_another_libpython_on_the_library_path_does_not_matter(
    start: Path, tmp_path: Path
) -> None:
    source = tmp_path / "other.c"
    source.write_text("int other_libpython(void) { return 0; }\n")
    library = tmp_path / str(sysconfig.get_config_var("INSTSONAME"))
    run(["cc", "-shared", "-fPIC", f"-Wl,-soname,{library.name}", source, "-o", library])
    namelist = str(write_loopback(tmp_path))
    done = mpirun(1, start, namelist, env={"LD_LIBRARY_PATH": str(tmp_path)})
    assert done.stdout.startswith("start 0"), done.stderr


def test_the_namelist_may_name_the_interpreter(start: Path, tmp_path: Path) -> None:
    assert start_with(start, tmp_path, sys.executable).startswith("start 0")


def test_comments_case_and_other_groups_of_the_namelist_do_not_confuse(
    start: Path, tmp_path: Path
) -> None:
    namelist = tmp_path / "odd.nml"
    namelist.write_text(
        "! python = '/wrong/1'\n"
        "&host_nml\n  python = '/wrong/2', text = 'it''s &coupler_nml python = /'\n/\n"
        "&COUPLER_NML ! python = '/wrong/3'\n  log_file = 'python = /wrong/4'\n"
        '  engine = "loopback"\n  Python = "/no/such/it\'s"\n/\n'
    )
    output = mpirun(1, start, str(namelist), cwd=tmp_path).stdout
    assert "'/no/such/it's' (key python of &coupler_nml)" in output


def test_an_interpreter_that_does_not_exist_is_named(start: Path, tmp_path: Path) -> None:
    output = start_with(start, tmp_path, "/no/such/python")
    assert output.startswith(INTERPRETER)
    assert "'/no/such/python' (key python of &coupler_nml) is not an executable file" in output


def test_a_second_start_after_a_failed_one_tells_the_same(start: Path, tmp_path: Path) -> None:
    first, second = start_with(start, tmp_path, "/no/such/python").splitlines()
    assert first == second


def test_an_interpreter_of_another_version_is_named(start: Path, tmp_path: Path) -> None:
    environment = tmp_path / "old"
    (environment / "bin").mkdir(parents=True)
    (environment / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    (environment / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.2\n")
    (environment / "bin" / "python").symlink_to(sys.executable)
    output = start_with(start, tmp_path, environment / "bin" / "python")
    assert output.startswith(INTERPRETER)
    assert f"is not a Python {VERSION}, for which esm_coupler was built" in output


def test_a_launcher_script_is_no_interpreter(start: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib" / f"python{VERSION}").mkdir(parents=True)
    script = tmp_path / "bin" / "python"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} \"$@\"\n")
    script.chmod(0o755)
    output = start_with(start, tmp_path, script)
    assert output.startswith(INTERPRETER)
    assert str(tmp_path) in output


def test_an_environment_without_cffi_is_named(
    start: Path, plain_environment: Path, tmp_path: Path
) -> None:
    output = start_with(start, tmp_path, plain_environment / "bin" / "python")
    assert output.startswith(INTERPRETER)
    assert f"'{plain_environment}' lacks what esm_coupler needs" in output
    assert "No module named '_cffi_backend'" in output
    assert "-m pip install" in output


@pytest.fixture
def site(plain_environment: Path) -> Path:
    """The site-packages of an environment that has cffi, and so far nothing else."""
    import _cffi_backend

    folder = plain_environment / "lib" / f"python{VERSION}" / "site-packages"
    (folder / Path(_cffi_backend.__file__).name).symlink_to(_cffi_backend.__file__)
    return folder


def write_entry(site: Path, text: str) -> Path:
    """A package esm_coupler with this entry.py; gives the interpreter that finds it."""
    package = site / "esm_coupler" / "coupling"
    package.mkdir(parents=True)
    (package / "entry.py").write_text(text)
    return site.parents[2] / "bin" / "python"


def test_an_environment_without_esm_coupler_is_named(
    start: Path, site: Path, tmp_path: Path
) -> None:
    output = start_with(start, tmp_path, site.parents[2] / "bin" / "python")
    assert output.startswith(INTERPRETER)
    assert "No module named 'esm_coupler'" in output


def test_a_damaged_esm_coupler_is_told_with_its_traceback(
    start: Path, site: Path, tmp_path: Path
) -> None:
    python = write_entry(site, "raise OSError('no space left for caches')\n")
    output = start_with(start, tmp_path, python)
    assert output.startswith(INTERPRETER)
    assert "could not load esm_coupler.coupling.entry" in output
    assert "OSError: no space left for caches" in output
    assert 'entry.py", line 1' in output


def test_a_function_that_python_does_not_answer_for_is_no_success(
    start: Path, site: Path, tmp_path: Path
) -> None:
    """cffi gives 0 then, which must not pass for ESM_OK."""
    python = write_entry(site, "def register(ffi, lib):\n    pass\n")
    output = start_with(start, tmp_path, python)
    assert output.startswith("start 5 Python could not be called")


def test_a_failing_start_on_one_rank_of_two_is_told_on_both(start: Path, tmp_path: Path) -> None:
    """Rank 1 gets a standard C++ library that is too old; rank 0 could run."""
    launcher = tmp_path / "launcher.sh"
    old = old_libstdcxx(tmp_path)
    launcher.write_text(
        f'#!/bin/sh\n[ "$OMPI_COMM_WORLD_RANK$PMI_RANK" = 1 ] && export LD_PRELOAD={old}\n'
        f'exec {start} "$@"\n'
    )
    launcher.chmod(0o755)
    lines = mpirun(2, launcher, str(write_loopback(tmp_path))).stdout.splitlines()
    assert len(lines) == 4
    assert set(lines) == {lines[0]}
    assert lines[0].startswith("start 5 rank 1: the host loaded")


def old_libstdcxx(folder: Path) -> Path:
    """A library of the name libstdc++.so.6 that has no GLIBCXX_3.4.25."""
    source, library = folder / "old.c", folder / "libstdc++.so.6"
    source.write_text("int old_libstdcxx(void) { return 0; }\n")
    run(["cc", "-shared", "-fPIC", "-Wl,-soname,libstdc++.so.6", source, "-o", library])
    return library


def test_a_host_with_an_old_libstdcxx_is_told_so(start: Path, tmp_path: Path) -> None:
    old = old_libstdcxx(tmp_path)
    done = mpirun(1, start, str(write_loopback(tmp_path)), env={"LD_PRELOAD": str(old)})
    assert done.stdout.startswith(INTERPRETER)
    assert f"'{old}', which lacks GLIBCXX_3.4.25" in done.stdout


def test_a_standard_input_that_is_a_directory_does_not_matter(start: Path, tmp_path: Path) -> None:
    folder = os.open(tmp_path, os.O_RDONLY)
    command = [str(start), str(write_loopback(tmp_path))]
    done = subprocess.run(command, stdin=folder, capture_output=True, text=True, check=False)
    os.close(folder)
    assert done.stdout.startswith("start 0"), done.stderr


def test_a_host_that_opens_the_library_with_rtld_local_gets_numpy(tmp_path: Path) -> None:
    host = tmp_path / "host"
    run(["mpicc", HOSTS / "dlopen.c", "-o", host, "-ldl"])
    library = bridge_prefix() / "lib" / "libesm_coupler.so"
    done = mpirun(1, host, str(library), str(write_loopback(tmp_path)))
    assert done.stdout == "start 0 \n", done.stderr
    assert done.returncode == 0


def test_a_process_that_runs_python_already_keeps_its_interpreter(tmp_path: Path) -> None:
    library = bridge_prefix() / "lib" / "libesm_coupler.so"
    script = tmp_path / "script.py"
    script.write_text(
        "import ctypes, datetime\n"
        "from mpi4py import MPI\n"
        "datetime.datetime_CAPI.__doc__  # gives capsules the version tag that cffi waits for\n"
        f"library = ctypes.CDLL({str(library)!r})\n"
        "coupler = ctypes.c_int(0)\n"
        f"namelist = {str(write_loopback(tmp_path)).encode()!r}\n"
        "print(library.esm_start(ctypes.byref(coupler), MPI.COMM_WORLD.py2f(), namelist))\n"
        "print(library.esm_stop(coupler))\n"
    )
    done = mpirun(1, sys.executable, str(script))
    assert done.stdout == "0\n0\n", done.stderr


def test_a_library_moved_to_another_environment_takes_that_ones_python(
    tmp_path: Path, plain_environment: Path
) -> None:
    """Wheels are built in one environment and installed in another."""
    site = plain_environment / "lib" / f"python{VERSION}" / "site-packages"
    library = site / "esm_coupler" / "lib" / "libesm_coupler.so"
    library.parent.mkdir(parents=True)
    library.write_bytes((bridge_prefix() / "lib" / "libesm_coupler.so").read_bytes())
    host = tmp_path / "host"
    run(["mpicc", HOSTS / "dlopen.c", "-o", host, "-ldl"])
    done = mpirun(1, host, str(library), str(write_loopback(tmp_path)))
    assert f"environment '{plain_environment}' lacks what esm_coupler needs" in done.stdout
