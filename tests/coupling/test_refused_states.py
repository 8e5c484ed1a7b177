"""What no sea-ice model can have is refused by name and place, in one sentence, and changes
nothing; what a host has on land does not matter."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from esm_coupler import Generator
from esm_coupler.errors import Status

from .hosts_build import Hosts
from .layouts import rows, tiles, write_field
from .scripts import DATE, NX, NY, bind, domain, sampled, save, saved, start


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


def test_faulty_requests_are_refused_in_one_sentence(hosts: Hosts, checkpoint: Path) -> None:
    ready = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, 2)) + bind(hosts, {"sic": None})
    cases = {
        f"generate 1 0 {DATE}": "member is 0",
        f"generate 1 -3 {DATE}": "member is -3",
        "generate 1 1 20180230": "20180230",
        f"step 1 {DATE} -60": "seconds is -60",
        f"step 1 {DATE} nan": "seconds is nan: the length",
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
