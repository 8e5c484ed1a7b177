"""Whose ocean counts: the host's mask against the checkpoint's, and blocks that are left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from esm_coupler import Generator
from esm_coupler.errors import Status
from esm_coupler.generator.generator import Request
from esm_coupler.state import State, parse_date

from .hosts_build import Hosts
from .layouts import tiles, write_field
from .scripts import DATE, KINDS, NX, NY, SEED, bind, domain, sampled, save, saved, start


def masked(
    hosts: Hosts, checkpoint: Path, ocean: np.ndarray, layout: list, log_file: str = ""
) -> str:
    """A script that hands over a mask (y, x) and generates."""
    file = write_field(hosts.folder / "mask.in", ocean)
    script = start(hosts, checkpoint, log_file=log_file) + domain(hosts, layout)
    script += f"field mask 8 3\nload mask {file}\nmask 1 mask\n"
    script += bind(hosts, dict.fromkeys(KINDS)) + f"generate 1 1 {DATE}\n"
    return script + save(list(KINDS)) + "stop 1\n"


def test_the_checkpoints_own_mask_changes_nothing_and_one_turned_around_is_refused(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    turned = write_field(hosts.folder / "turned.in", ~generator.grid.mask)
    script = masked(hosts, checkpoint, generator.grid.mask, tiles(NX, NY, 2))
    script = script.replace("mask 1 mask\n", f"mask 1 mask\nload mask {turned}\nmask 1 mask\n")
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


def test_ice_on_the_hosts_land_is_counted_and_logged(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    ocean = generator.grid.mask.copy()
    ocean[3:5, 6:9] = False
    sample = generator.sample(Request(1, parse_date(DATE), SEED, n_steps=2))
    on_host = State(sample.state.values, sample.state.names, generator.grid.with_mask(ocean))
    gone = [(on_host[name] != 0) & ~on_host.support(name) for name in on_host.names]
    n_gone = np.count_nonzero(np.logical_or.reduce(gone))
    assert n_gone > 0
    script = masked(hosts, checkpoint, ocean, tiles(NX, NY, 2), log_file="states.log")
    asked = "diagnostic 1 cells_changed\n", "diagnostic 1 cells_out_of_bounds\n"
    run = hosts.run(script.replace("stop 1\n", "".join(asked)), ranks=2)
    changed = sample.report.cells_changed + n_gone
    out_of_bounds = sample.report.cells_out_of_bounds + n_gone
    for calls in run.ranks:
        told = [float(call.message) for call in calls if call.verb == "diagnostic"]
        assert told == [changed, out_of_bounds]
    log = (hosts.folder / "states.log").read_text()
    assert f"{out_of_bounds} cells out of bounds, {changed} cells corrected" in log


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


def test_ocean_that_nobody_owns_is_named_also_where_it_is_land_to_the_host(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """The mask that goes over has no land of its own: what it lacks is in no block."""
    ocean = generator.grid.mask.copy()
    ocean[6:, -2:] = False
    lost = np.count_nonzero(generator.grid.mask & ~ocean)
    layout = [[(1, 1, NX, 6)], [(1, 7, NX - 2, NY - 6)]]
    script = start(hosts, checkpoint) + domain(hosts, layout) + bind(hosts, {"sic": None})
    script += f"generate 1 1 {DATE}\n"
    script += f"field mask 8 3\nload mask {write_field(hosts.folder / 'mask.in', ocean)}\n"
    run = hosts.run(script + f"mask 1 mask\ngenerate 1 1 {DATE}\nstep 1 {DATE} 60\n", ranks=2)
    assert (run.status("mask"), run.message("mask")) == ({Status.OK}, "")
    refused = [c for calls in run.ranks for c in calls if c.verb in ("generate", "step")]
    assert len(refused) == 6
    for call in refused:
        assert call.status == Status.DOMAIN
        assert f"i=31, j=7 and {lost - 1} others" in call.message


LOOKS = """
from esm_coupler.coupling.generator_engine import GeneratorEngine
genuine = GeneratorEngine.check_covered
def check_covered(self, owned):
    with open("looks", "a") as file:
        file.write("once ")
    genuine(self, owned)
GeneratorEngine.check_covered = check_covered
"""


def test_blocks_are_looked_at_until_a_call_has_gone_well(hosts: Hosts, checkpoint: Path) -> None:
    """There is no member 0: that call must leave nothing behind."""
    script = f"python {hosts.python('looks.py', LOOKS)}\n"
    script = start(hosts, checkpoint) + script + domain(hosts, tiles(NX, NY, 2))
    script += bind(hosts, {"sic": None}) + f"generate 1 0 {DATE}\n"
    script += f"generate 1 1 {DATE}\ngenerate 1 2 {DATE}\nstep 1 {DATE} 60\n"
    run = hosts.run(script, ranks=2)
    statuses = [call.status for call in run.ranks[0] if call.verb == "generate"]
    assert statuses == [Status.VALUE, Status.OK, Status.OK]
    assert (hosts.folder / "looks").read_text() == "once once "


def test_a_block_that_is_left_out_where_the_checkpoint_has_land_needs_no_mask_of_its_own(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """The outermost ring is land to the checkpoint and in no block; within, the coasts differ."""
    ocean = generator.grid.mask.copy()
    ocean[3:5, 6:9] = False
    layout = [[(2, 2, NX - 2, 6)], [(2, 8, NX - 2, NY - 8)]]
    run = hosts.run(masked(hosts, checkpoint, ocean, layout), ranks=2)
    assert run.status("generate") == {Status.OK}
    assert "0 ocean cells of the host" in run.message("mask")
    assert "6 ocean cells of the checkpoint" in run.message("mask")
