"""A host gets the states of the generator, the same as through the Python door."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import xarray
from support.cli import esm_coupler
from support.mpi import mpirun

from esm_coupler import Generator
from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import Layout, land_apart, rows, stripes, three_each, tiles
from .scripts import (
    DATE,
    KINDS,
    NX,
    NY,
    as_host,
    bind,
    domain,
    sampled,
    save,
    saved,
    start,
)


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6])
def test_every_layout_gets_the_bits_of_the_python_door(
    hosts: Hosts, checkpoint: Path, generator: Generator, ranks: int
) -> None:
    """Whatever was generated before."""
    layouts: list[Layout] = [rows, stripes, three_each, tiles, land_apart]
    script = ""
    for number, layout in enumerate(layouts, start=1):
        script += start(hosts, checkpoint, number) + domain(hosts, layout(NX, NY, ranks), number)
        script += bind(hosts, dict.fromkeys(KINDS), number)
        script += f"generate {number} {7 - number} {DATE}\ngenerate {number} {number} {DATE}\n"
        script += save(list(KINDS), number)
    run = hosts.run(script + "stop 1\nstop 3\n", ranks)
    for number, layout in enumerate(layouts, start=1):
        state = sampled(generator, member=number)
        for name in KINDS:
            expected = as_host(state[name], name)
            if layout is land_apart:
                got = _owned_part(hosts, f"{name}_{number}.out", ranks)
            else:
                got = saved(hosts, name, ranks, number)
            np.testing.assert_array_equal(got, expected, err_msg=name)
    assert set(run.values("edges")) == {0}, "the halo is the host's"


@pytest.mark.parametrize("sampler", ["dpm", "stochastic"])
def test_the_sampler_of_the_namelist_is_the_one_that_the_host_gets(
    hosts: Hosts, checkpoint: Path, generator: Generator, sampler: str
) -> None:
    options = {"sampler": sampler, "n_steps": 5, "sigma_max": 50.0, "churn": 2.0}
    script = start(hosts, checkpoint, sampling=options) + domain(hosts, rows(NX, NY, 2))
    script += bind(hosts, dict.fromkeys(KINDS)) + f"generate 1 3 {DATE}\n" + save(["sit"])
    hosts.run(script + "stop 1\n", ranks=2)
    state = sampled(generator, 3, **options)
    np.testing.assert_array_equal(saved(hosts, "sit", 2), state["sit"])
    assert not np.array_equal(state["sit"], sampled(generator, 3, n_steps=5)["sit"])


def _owned_part(hosts: Hosts, file: str, ranks: int) -> np.ndarray:
    """(y, x) of what the ranks saved, zero where none owns."""
    parts = [np.fromfile(hosts.folder / f"{file}.{rank}") for rank in range(ranks)]
    return np.nansum(parts, axis=0).reshape(NY, NX)


@pytest.mark.parametrize("build", ["trap", "fast"])
def test_optimised_and_trapping_hosts_get_the_same_bits(
    hosts: Hosts, checkpoint: Path, generator: Generator, build: str
) -> None:
    """With two threads for torch and a pool of the host's own, which has its traps."""
    script = "special\nopenmp 2\n" + start(hosts, checkpoint, threads=2)
    script += domain(hosts, tiles(NX, NY, 2)) + bind(hosts, dict.fromkeys(KINDS))
    script += (
        f"generate 1 3 {DATE}\nopenmp 2\nstep 1 {DATE} 3600\n" + save(list(KINDS)) + "stop 1\n"
    )
    run = hosts.run(script, ranks=2, build=build)
    assert run.status("step") == {Status.OK}
    other = Generator.load(checkpoint, device="cpu", threads=2)
    np.testing.assert_array_equal(saved(hosts, "sic", 2), sampled(other, 3)["sic"])


DIVIDES_BY_ZERO = """
from esm_coupler.generator.generator import Generator
import torch
genuine = Generator.sample
def sample(self, request, *rest):
    zeros = torch.zeros(2**22)
    assert torch.isnan(zeros / zeros).all()
    return genuine(self, request, *rest)
Generator.sample = sample
"""


def test_torch_does_not_die_of_the_traps_in_the_hosts_threads(
    hosts: Hosts, checkpoint: Path
) -> None:
    script = "openmp 2\n" + start(hosts, checkpoint, threads=2)
    script += f"python {hosts.python('divides.py', DIVIDES_BY_ZERO)}\n"
    script += domain(hosts, rows(NX, NY, 1)) + bind(hosts, {"sic": None})
    run = hosts.run(script + f"openmp 2\ngenerate 1 1 {DATE}\nopenmp 2\nstop 1\n", build="trap")
    assert run.status("generate") == {Status.OK}


def test_step_leaves_a_good_state_to_the_bit(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    state = sampled(generator, 1)
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 2))
    script += bind(hosts, {name: state[name] for name in ("sic", "sit")})
    script += f"step 1 {DATE} 86400\ndiagnostic 1 cells_changed\n" + save(["sic", "sit"])
    run = hosts.run(script, ranks=2)
    assert {float(call.message) for call in run.last("diagnostic")} == {0.0}
    np.testing.assert_array_equal(saved(hosts, "sit", 2), state["sit"])


def test_step_mends_a_state_that_is_out_of_bounds_and_counts_it(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    state = sampled(generator, 1)
    sic, sit = state["sic"].copy(), state["sit"].copy()
    sic[4, 7], sit[4, 7] = 1.0 + 1e-9, 1.0
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 3))
    script += bind(hosts, {"sic": sic, "sit": sit}) + f"step 1 {DATE} 86400\n"
    script += "diagnostic 1 cells_out_of_bounds\n" + save(["sic", "sit"])
    run = hosts.run(script, ranks=3)
    assert {float(call.message) for call in run.last("diagnostic")} == {1.0}
    sic[4, 7] = 1.0
    np.testing.assert_array_equal(saved(hosts, "sic", 3), sic)


def test_only_the_generators_rank_imports_torch_and_none_imports_hdf5(
    hosts: Hosts, checkpoint: Path
) -> None:
    code = """
import sys
names = ("torch", "pydantic", "netCDF4", "h5py", "xarray", "pandas")
with open("modules.%d", "w") as file:
    file.write(" ".join(name for name in names if name in sys.modules))
"""
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 2)) + bind(hosts, {"sic": None})
    script += f"generate 1 1 {DATE}\nstep 1 {DATE} 60\n"
    for rank in range(2):
        script += f"on {rank} python {hosts.python(f'look_{rank}.py', code % rank)}\n"
    hosts.run(script, ranks=2)
    assert (hosts.folder / "modules.0").read_text() == "torch pydantic"
    assert (hosts.folder / "modules.1").read_text() == ""


def test_a_host_with_netcdf_of_its_own_writes_and_reads_it(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    import netCDF4

    start(hosts, checkpoint)
    done = mpirun(
        1, hosts.built / "netcdf_host", "tiny_cpu.nml", str(NX), str(NY), "sic.nc", cwd=hosts.folder
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with netCDF4.Dataset(hosts.folder / "sic.nc") as file:
        np.testing.assert_array_equal(file["sic"][:], sampled(generator, 1)["sic"])


def test_the_log_has_one_line_a_call_with_the_hash_of_the_state(
    hosts: Hosts, checkpoint: Path
) -> None:
    """It is written where the host runs if nothing is said; the host gets the hash as well."""
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 2))
    script += bind(hosts, {"sic": None, "sit": None}) + "text 1 sha256\n"
    script += "".join(f"generate 1 {member} {DATE}\ntext 1 sha256\n" for member in (2, 3, 2))
    run = hosts.run(script, ranks=2)
    text = (hosts.folder / "esm_coupler.log").read_text()
    lines = [line for line in text.splitlines() if "generate member" in line]
    hashes = [re.search(r"sha256 ([0-9a-f]{64})", line)[1] for line in lines]
    assert ["member 2 date 20180301" in line for line in lines] == [True, False, True]
    assert hashes[0] == hashes[2] != hashes[1]
    assert "cells corrected" in lines[0]
    for calls in run.ranks:
        assert [call.message for call in calls if call.verb == "text"] == ["", *hashes]


def _logged(hosts: Hosts, checkpoint: Path, layout: list, members: list[int]) -> dict[int, str]:
    """The hash in the log of each member, generated by a host of its own in this order."""
    log = f"{len(layout)}_{members[0]}.log"
    script = start(hosts, checkpoint, log_file=log) + domain(hosts, layout)
    script += bind(hosts, dict.fromkeys(KINDS))
    script += "".join(f"generate 1 {member} {DATE}\n" for member in members)
    hosts.run(script + "stop 1\n", ranks=len(layout))
    found = re.findall(r"member (\d+) .*sha256 ([0-9a-f]{64})", (hosts.folder / log).read_text())
    return {int(member): digest for member, digest in found}


def test_log_and_file_have_the_same_hash_of_a_member_after_a_restart_too(
    hosts: Hosts, checkpoint: Path
) -> None:
    first = _logged(hosts, checkpoint, rows(NX, NY, 2), [1, 2, 3])
    again = _logged(hosts, checkpoint, stripes(NX, NY, 3), [3, 1])
    namelist, output = hosts.folder / "tiny_cpu.nml", hosts.folder / "file.nc"
    sets = [f"ensemble_nml.{key}" for key in ("members=2", "first_member=2", f"date={DATE}")]
    done = esm_coupler("generate", namelist, *(w for s in sets for w in ("--set", s)), "-o", output)
    assert done.status == 0, done.err
    with xarray.open_dataset(output) as dataset:
        assert dataset["sha256"].values.tolist() == [first[2], first[3]]
    assert again == {3: first[3], 1: first[1]}
    assert len(set(first.values())) == 3


def test_generating_again_and_again_leaves_memory_flat(hosts: Hosts, checkpoint: Path) -> None:
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 1)) + bind(hosts, {"sic": None})
    script += f"repeat 30\ngenerate 1 1 {DATE}\nmemory\nrepeat 150\ngenerate 1 2 {DATE}\nmemory\n"
    before, after = hosts.run(script).values("memory")
    assert after - before < 2000, "kB"
