"""A host whose grid is not that of the checkpoint gets states through weights from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from esm_coupler import Generator
from esm_coupler.errors import Status
from esm_coupler.generator.climatology import Climatology
from esm_coupler.generator.projection import project
from esm_coupler.grid import Grid
from esm_coupler.overlap import make_weights
from esm_coupler.state import parse_date
from esm_coupler.weights import Weights, write_weights

from .hosts_build import Hosts
from .layouts import read_field, tiles
from .scripts import DATE, bind, domain, sampled, start

NX, NY = 22, 18
NO_SAMPLER = "import esm_coupler.generator.sampler as m\nm.SAMPLERS['dpm'] = None\n"


@pytest.fixture
def weights(hosts: Hosts, generator: Generator) -> Weights:
    """A file `w.safetensors` beside the script, for a coarser basin around the same pole."""
    y, x = np.mgrid[:NY, :NX] - (np.array([NY, NX])[:, None, None] - 1) / 2
    lat, lon = 90 - 0.6 * np.hypot(x, y), np.degrees(np.arctan2(y, x))
    mask = np.pad(np.ones((NY - 2, NX - 2), bool), 1)
    host = Grid(mask, lat, lon, np.full(mask.shape, 4.4e9), np.zeros(mask.shape))
    made = make_weights(generator.grid, host)
    write_weights(hosts.folder / "w.safetensors", made, {})
    return made


def test_a_host_gets_its_states_on_its_own_grid(
    hosts: Hosts, checkpoint: Path, generator: Generator, weights: Weights
) -> None:
    names = ["sic", "sit", "siu"]
    script = start(hosts, checkpoint, weights="w.safetensors", on_failure="climatology")
    script += domain(hosts, tiles(NX, NY, 2), nx=NX, ny=NY) + bind(hosts, dict.fromkeys(names))
    script += f"generate 1 1 {DATE}\n" + "".join(f"save {n}_1 {n}.out\n" for n in names)
    # what came back is acceptable there
    script += f"step 1 {DATE} 3600\ndiagnostic 1 cells_changed\n"
    script += f"on 0 python {hosts.python('fail.py', NO_SAMPLER)}\ngenerate 1 1 {DATE}\n"
    run = hosts.run(script + "save sic_1 mean.out\nstop 1\n", ranks=2)
    expected, _ = project(weights.apply(sampled(generator, 1)))
    for name in names:
        got = read_field(hosts.folder, f"{name}.out", 2, (NY, NX))
        np.testing.assert_array_equal(got, expected[name])
    assert np.count_nonzero(expected["sic"]) > 50
    assert {float(call.message) for call in run.last("diagnostic")} == {0.0}
    assert "this is a climatology" in run.message("generate")
    mean, _ = project(weights.apply(Climatology(generator.model).state(parse_date(DATE))[0]))
    np.testing.assert_array_equal(read_field(hosts.folder, "mean.out", 2, (NY, NX)), mean["sic"])


def test_a_host_of_another_grid_is_told_of_weights(
    hosts: Hosts, checkpoint: Path, weights: Weights
) -> None:
    script = start(hosts, checkpoint) + domain(hosts, tiles(NX, NY, 1), nx=NX, ny=NY)
    script += start(hosts, checkpoint, 2, weights="w.safetensors")
    run = hosts.run(script.replace("start 2 world tiny_cpu", "start 2 world with") + _other(hosts))
    assert run.status("domain") == {Status.DOMAIN}
    refused = [call.message for call in run.ranks[0] if call.verb == "domain"]
    assert "make weights with 'esm-coupler weights'" in refused[0]
    assert "that of weights 'w.safetensors' is 22 x 18" in refused[1]


def _other(hosts: Hosts) -> str:
    """A domain of a third size for the second coupler, whose namelist has the weights."""
    (hosts.folder / "tiny_cpu.nml").rename(hosts.folder / "with.nml")
    text = (hosts.folder / "with.nml").read_text()
    (hosts.folder / "tiny_cpu.nml").write_text(text.replace("weights = 'w.safetensors'", ""))
    return domain(hosts, tiles(20, 16, 1), 2, nx=20, ny=16)
