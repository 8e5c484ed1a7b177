"""A host gets the states of the generator, the same as through the Python door, and hands back
only what a sea-ice model can have."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from support.mpi import mpirun

from esm_coupler import Generator
from esm_coupler.errors import Status
from esm_coupler.generator.generator import Request
from esm_coupler.state import State, parse_date
from esm_coupler.testing import tiny_checkpoint

from .hosts_build import Hosts
from .layouts import Layout, read_field, rows, stripes, three_each, tiles, write_field, write_table

NX, NY = 32, 16
DATE = 20180301
SEED = 5
KINDS = {"sic": 8, "sit": 8, "snt": 4, "siu": 8, "siv": 4}


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_checkpoint(tmp_path_factory.mktemp("checkpoint") / "tiny.safetensors", (NY, NX))


@pytest.fixture(scope="session")
def generator(checkpoint: Path) -> Generator:
    return Generator.load(checkpoint, device="cpu", threads=1)


def sampled(generator: Generator, member: int) -> State:
    return generator.sample(Request(member, parse_date(DATE), SEED, n_steps=2)).state


def start(
    hosts: Hosts, checkpoint: Path | str, coupler: int = 1, device: str = "cpu", **keys: object
) -> str:
    namelist = hosts.namelist(
        f"{Path(checkpoint).stem}_{device}.nml",
        coupler=keys,
        generator={"checkpoint": checkpoint, "n_steps": 2, "device": device},
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


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 6])
def test_every_layout_gets_the_bits_of_the_python_door(
    hosts: Hosts, checkpoint: Path, generator: Generator, ranks: int
) -> None:
    layouts: list[Layout] = [rows, stripes, three_each, tiles]
    script = ""
    for number, layout in enumerate(layouts, start=1):
        script += start(hosts, checkpoint, number) + domain(hosts, layout(NX, NY, ranks), number)
        script += bind(hosts, dict.fromkeys(KINDS), number)
        script += f"generate {number} {number} {DATE}\n" + save(list(KINDS), number)
    run = hosts.run(script + "stop 1\nstop 3\n", ranks)
    for number in range(1, len(layouts) + 1):
        state = sampled(generator, member=number)
        for name in KINDS:
            np.testing.assert_array_equal(
                saved(hosts, name, ranks, number), as_host(state[name], name), err_msg=name
            )
    assert set(run.values("edges")) == {0}, "the halo is the host's"


@pytest.mark.parametrize("build", ["trap", "fast"])
def test_optimised_and_trapping_hosts_get_the_same_bits(
    hosts: Hosts, checkpoint: Path, generator: Generator, build: str
) -> None:
    """With two threads for torch and a pool of the host's own, which has its traps."""
    script = "special\nopenmp 2\n" + start(hosts, checkpoint, threads=2)
    script += domain(hosts, tiles(NX, NY, 2)) + bind(hosts, dict.fromkeys(KINDS))
    script += f"generate 1 3 {DATE}\nopenmp 2\nstep 1 {DATE} 3600\n" + save(list(KINDS)) + "stop 1\n"
    run = hosts.run(script, ranks=2, build=build)
    assert run.status("step") == {Status.OK}
    other = Generator.load(checkpoint, device="cpu", threads=2)
    np.testing.assert_array_equal(saved(hosts, "sic", 2), sampled(other, 3)["sic"])


DIVIDES_BY_ZERO = """
from esm_coupler.generator.generator import Generator
import torch
genuine = Generator.sample
def sample(self, request):
    zeros = torch.zeros(2**22)
    assert torch.isnan(zeros / zeros).all()
    return genuine(self, request)
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


@pytest.mark.parametrize("build", ["plain", "fast"])
def test_what_no_ocean_has_is_refused_by_name_and_place(
    hosts: Hosts, checkpoint: Path, generator: Generator, build: str
) -> None:
    state = sampled(generator, 1)
    script = start(hosts, checkpoint) + domain(hosts, tiles(NX, NY, 2))
    script += bind(hosts, {"sic": state["sic"], "sit": state["sit"]})
    for value in (np.nan, np.inf, 1e30):
        sit = state["sit"].copy()
        sit[9, 4] = value
        file = write_field(hosts.folder / f"sit_{value}.in", sit)
        script += f"load sit_1 {file}\nstep 1 {DATE} 86400\n"
    run = hosts.run(script + save(["sic"]), ranks=2, build=build)
    steps = [call for calls in run.ranks for call in calls if call.verb == "step"]
    assert [call.status for call in steps] == [Status.VALUE] * 6
    for call in steps:
        assert re.search(r"'sit'.*i=5, j=10\b", call.message)
        assert "Traceback" not in call.message
    np.testing.assert_array_equal(saved(hosts, "sic", 2), state["sic"], "arrays are unchanged")


def test_land_may_hold_anything_and_comes_back_as_zero(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """Halo cells hold -12345 in every test, which is no sea ice either."""
    state = sampled(generator, 1)
    land = ~generator.grid.mask
    sic, sit = state["sic"].copy(), state["sit"].copy()
    sic[land], sit[land] = np.nan, 1e30
    script = start(hosts, checkpoint) + domain(hosts, tiles(NX, NY, 2))
    script += bind(hosts, {"sic": sic, "sit": sit}) + f"step 1 {DATE} 86400\n"
    run = hosts.run(script + save(["sic", "sit"]), ranks=2)
    assert run.status("step") == {Status.OK}
    np.testing.assert_array_equal(saved(hosts, "sic", 2), state["sic"])
    assert (saved(hosts, "sit", 2)[land] == 0).all()


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
    script = start(hosts, checkpoint, log_file="states.log") + domain(hosts, rows(NX, NY, 2))
    script += bind(hosts, {"sic": None, "sit": None})
    hosts.run(script + f"generate 1 2 {DATE}\ngenerate 1 3 {DATE}\ngenerate 1 2 {DATE}\n", ranks=2)
    text = (hosts.folder / "states.log").read_text()
    lines = [line for line in text.splitlines() if "generate member" in line]
    hashes = [re.search(r"sha256 ([0-9a-f]{64})", line)[1] for line in lines]
    assert ["member 2 date 20180301" in line for line in lines] == [True, False, True]
    assert hashes[0] == hashes[2] != hashes[1]
    assert "cells corrected" in lines[0]


def test_faulty_requests_are_refused_in_one_sentence(hosts: Hosts, checkpoint: Path) -> None:
    ready = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 2)) + bind(hosts, {"sic": None})
    cases = {
        f"generate 1 0 {DATE}": "member is 0",
        f"generate 1 -3 {DATE}": "member is -3",
        "generate 1 1 20180230": "20180230",
        f"step 1 {DATE} -60": "seconds is -60",
        f"step 1 {DATE} nan": "seconds is nan",
        "step 1 0 60": "date 0",
    }
    run = hosts.run(ready + "".join(f"{call}\n" for call in cases), ranks=2)
    for calls in run.ranks:
        for call, text in zip(calls[-len(cases) :], cases.values(), strict=True):
            assert call.status == Status.VALUE
            assert text in call.message and "\n" not in call.message


def test_other_fields_and_grids_than_the_checkpoints_are_refused(
    hosts: Hosts, checkpoint: Path
) -> None:
    script = start(hosts, checkpoint) + domain(hosts, rows(NY, NX, 2), nx=NY, ny=NX)
    script += domain(hosts, rows(NX, NY, 2)) + "field sic 8 3\nbind 1 sicc sic\n"
    run = hosts.run(script, ranks=2)
    for calls in run.ranks:
        turned, right = (call for call in calls if call.verb == "domain")
        assert (turned.status, right.status) == (Status.DOMAIN, Status.OK)
        assert "16 x 32" in turned.message and "32 x 16" in turned.message
    assert run.status("bind") == {Status.FIELD}
    assert "did you mean 'sic'?" in run.message("bind")


def test_a_generator_that_cannot_be_had_fails_the_start(hosts: Hosts, checkpoint: Path) -> None:
    cases = {
        start(hosts, "missing.safetensors"): (Status.CHECKPOINT, "missing.safetensors"),
        start(hosts, checkpoint, device="cuda"): (Status.CONFIG, "CUDA_VISIBLE_DEVICES"),
    }
    run = hosts.run("".join(cases), ranks=2, env={"CUDA_VISIBLE_DEVICES": ""})
    for calls in run.ranks:
        for call, (status, text) in zip(calls, cases.values(), strict=True):
            assert call.status == status
            assert text in call.message and "Traceback" not in call.message


def masked(hosts: Hosts, checkpoint: Path, ocean: np.ndarray, layout: list) -> str:
    """A script that hands over a mask (y, x) and generates."""
    file = write_field(hosts.folder / "mask.in", ocean)
    script = start(hosts, checkpoint) + domain(hosts, layout)
    script += f"field mask 8 3\nload mask {file}\nmask 1 mask\n"
    script += bind(hosts, dict.fromkeys(KINDS)) + f"generate 1 1 {DATE}\n"
    return script + save(list(KINDS)) + "stop 1\n"


def test_the_checkpoints_own_mask_changes_nothing_and_one_turned_around_is_refused(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    turned = write_field(hosts.folder / "turned.in", ~generator.grid.mask)
    script = masked(hosts, checkpoint, generator.grid.mask, tiles(NX, NY, 2))
    script = script.replace(
        "mask 1 mask\n", f"mask 1 mask\nload mask {turned}\nmask 1 mask\n"
    )
    run = hosts.run(script, ranks=2)
    for calls in run.ranks:
        own, refused = (call for call in calls if call.verb == "mask")
        assert (own.status, own.message) == (Status.OK, "")
        assert refused.status == Status.DOMAIN and "10%" in refused.message
    np.testing.assert_array_equal(saved(hosts, "siu", 2), sampled(generator, 1)["siu"])


def test_another_coastline_is_noted_and_its_land_is_zero(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    ocean = generator.grid.mask.copy()
    ocean[3:5, 6:9] = False
    ocean[0, 1:3] = True
    run = hosts.run(masked(hosts, checkpoint, ocean, tiles(NX, NY, 2)), ranks=2)
    assert run.status("mask") == {Status.OK}
    assert len({call.message for call in run.last("mask")}) == 1, "the note is on all ranks"
    assert "2 ocean cells" in run.message("mask") and "6 ocean cells" in run.message("mask")
    expected = sampled(generator, 1)
    inside = ocean & generator.grid.mask
    np.testing.assert_array_equal(saved(hosts, "sit", 2), np.where(inside, expected["sit"], 0.0))
    drift = generator.grid.with_mask(inside).drift_mask
    assert (saved(hosts, "siu", 2)[~drift] == 0).all()


def test_blocks_of_land_may_be_left_out(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """The outermost ring of the grid is land."""
    layout = [[(2, 2, NX - 2, 6)], [(2, 8, NX - 2, NY - 8)]]
    script = start(hosts, checkpoint) + domain(hosts, layout) + bind(hosts, {"sic": None})
    run = hosts.run(script + f"generate 1 1 {DATE}\nsave sic_1 sic_1.out\n", ranks=2)
    assert run.status("generate") == {Status.OK}
    upper = np.fromfile(hosts.folder / "sic_1.out.1").reshape(NY, NX)
    np.testing.assert_array_equal(upper[7:-1, 1:-1], sampled(generator, 1)["sic"][7:-1, 1:-1])


def test_ocean_that_nobody_owns_is_named_unless_it_is_land_to_the_host(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    ocean = generator.grid.mask.copy()
    ocean[:, -2:] = False
    layout = [[(1, 1, NX, 6)], [(1, 7, NX - 2, NY - 6)]]
    script = start(hosts, checkpoint) + domain(hosts, layout) + bind(hosts, {"sic": None})
    script += f"generate 1 1 {DATE}\n"
    script += f"field mask 8 3\nload mask {write_field(hosts.folder / 'mask.in', ocean)}\n"
    run = hosts.run(script + f"mask 1 mask\ngenerate 1 1 {DATE}\n", ranks=2)
    for calls in run.ranks:
        without, with_mask = (call for call in calls if call.verb == "generate")
        assert without.status == Status.DOMAIN and "i=31, j=7" in without.message
        assert with_mask.status == Status.OK
