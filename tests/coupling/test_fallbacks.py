"""A model that may not stop: what its arrays hold, and what it hears, where no state was made."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from support.acceptance import accepted

from esm_coupler import Generator
from esm_coupler.config import CouplerConfig, parse_namelist
from esm_coupler.coupling.engine import Result
from esm_coupler.coupling.fallback import Fallback
from esm_coupler.errors import ConfigError, GeneratedStateError, Status
from esm_coupler.generator.climatology import Climatology
from esm_coupler.state import parse_date

from .hosts_build import Hosts, Run
from .layouts import rows, tiles
from .scripts import DATE, KINDS, NX, NY, as_host, bind, domain, sampled, save, saved, start

LIMIT = 60
RANKS = 2
SAMPLER = """
import torch
from esm_coupler.errors import EsmCouplerError
import esm_coupler.generator.sampler as module
def dpm(denoise, noise, sigmas, fresh, churn):
    {}
module.SAMPLERS["dpm"] = dpm
"""
KEEP = "import esm_coupler.generator.sampler as m\nm.genuine = m.SAMPLERS['dpm']\n"
MEND = "import esm_coupler.generator.sampler as m\nm.SAMPLERS['dpm'] = m.genuine\n"
# What the sampler does, and the status of a call that may not fall back.
FAILURES = {
    "nan": ("return noise * float('nan')", Status.VALUE),
    "huge": ("return torch.full_like(noise, 1e9)", Status.VALUE),
    "raises": ("raise ZeroDivisionError('by a test')", Status.FAILED),
    "exits": ("import sys; sys.exit(3)", Status.FAILED),
    "memory": ("raise MemoryError", Status.MEMORY),
    "gpu memory": ("raise torch.OutOfMemoryError('CUDA out of memory. By a test')", Status.MEMORY),
}


def _background() -> np.ndarray:
    return np.arange(float(NX * NY)).reshape(NY, NX) / (NX * NY)


def _broken(hosts: Hosts, what: str) -> str:
    """A line of a script that breaks the sampler, on the rank that has it."""
    name = f"sampler_{len(list(hosts.folder.glob('sampler_*')))}.py"
    return f"on 0 python {hosts.python(name, SAMPLER.format(what))}\n"


def _ready(hosts: Hosts, checkpoint: Path, **keys: object) -> str:
    script = start(hosts, checkpoint, **keys) + domain(hosts, tiles(NX, NY, RANKS))
    return script + bind(hosts, {"sic": _background(), "sit": _background()})


def _told(run: Run, name: str) -> set[float]:
    """A diagnostic, the last that each rank asked for."""
    return {float(call.message) for call in run.last("diagnostic")}


def test_nan_of_the_decoder_is_no_open_water(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = Generator.load(checkpoint, device="cpu")
    decoder = generator.model.space
    nan = torch.full((1, len(generator.names), *generator.grid.shape), torch.nan)
    monkeypatch.setattr(decoder, "decode", lambda latent: nan)
    with pytest.raises(GeneratedStateError, match="'sic' is nan"):
        generator.generate(members=1)


def test_a_failing_sampler_is_a_status_on_all_ranks_and_the_next_call_works(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    script = _ready(hosts, checkpoint) + f"on 0 python {hosts.python('keep.py', KEEP)}\n"
    mend = f"on 0 python {hosts.python('mend.py', MEND)}\n"
    for what, _ in FAILURES.values():
        script += _broken(hosts, what) + f"generate 1 1 {DATE}\n"
    script += save(["sic"]) + mend + f"generate 1 2 {DATE}\nsave sit_1 sit_1.out\n"
    run = hosts.run(script, RANKS, limit=LIMIT)
    expected = [status for _, status in FAILURES.values()] + [Status.OK]
    for calls in run.ranks:
        assert [call.status for call in calls if call.verb == "generate"] == expected
    np.testing.assert_array_equal(saved(hosts, "sic", RANKS), _background())
    np.testing.assert_array_equal(saved(hosts, "sit", RANKS), sampled(generator, 2)["sit"])


def test_a_sampler_that_gives_zeros_gives_sea_ice(hosts: Hosts, checkpoint: Path) -> None:
    script = start(hosts, checkpoint) + domain(hosts, rows(NX, NY, RANKS))
    script += bind(hosts, dict.fromkeys(KINDS)) + _broken(hosts, "return noise * 0")
    run = hosts.run(script + f"generate 1 1 {DATE}\n" + save(["sic"]), RANKS, limit=LIMIT)
    assert run.status("generate") == {Status.OK}
    assert 0 <= saved(hosts, "sic", RANKS).min() <= saved(hosts, "sic", RANKS).max() <= 1


def test_unchanged_leaves_the_arrays_and_tells_it(hosts: Hosts, checkpoint: Path) -> None:
    script = _ready(hosts, checkpoint, on_failure="unchanged", log_file="calls.log")
    for what, _ in FAILURES.values():
        script += _broken(hosts, what) + f"generate 1 1 {DATE}\n"
    run = hosts.run(script + "diagnostic 1 fallbacks\n" + save(["sic", "sit"]), RANKS, limit=LIMIT)
    for calls in run.ranks:
        generated = [call for call in calls if call.verb == "generate"]
        assert {call.status for call in generated} == {Status.OK}
        for number, call in enumerate(generated, start=1):
            told = f"the arrays are as they were (fallback {number} of at most 10)"
            assert told in call.message
            assert told in (hosts.folder / "calls.log").read_text()
    assert _told(run, "fallbacks") == {float(len(FAILURES))}
    for name in ("sic", "sit"):
        np.testing.assert_array_equal(saved(hosts, name, RANKS), _background())


def test_climatology_is_a_state_of_the_day_that_needs_no_sampler(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    script = start(hosts, checkpoint, on_failure="climatology", log_file="calls.log")
    script += domain(hosts, tiles(NX, NY, RANKS)) + bind(hosts, dict.fromkeys(KINDS))
    script += _broken(hosts, "return noise * float('nan')")
    run = hosts.run(script + f"generate 1 1 {DATE}\n" + save(list(KINDS)), RANKS, limit=LIMIT)
    assert run.status("generate") == {Status.OK}
    assert "this is a climatology" in run.message("generate")
    expected, _ = Climatology(generator.model).state(parse_date(DATE))
    for name in KINDS:
        np.testing.assert_array_equal(
            saved(hosts, name, RANKS), as_host(expected[name], name), err_msg=name
        )
    log = (hosts.folder / "calls.log").read_text()
    assert re.search(r"this is a climatology .*\n.* sha256 [0-9a-f]{64}", log)


def test_max_fallbacks_ends_it_with_the_failures_own_status(hosts: Hosts) -> None:
    script = _loopback(hosts, max_fallbacks=2)
    script += _sabotage(hosts, "engine", "LoopbackEngine", "step")
    run = hosts.run(
        script + f"step 1 {DATE} 60\n" * 3 + "diagnostic 1 fallbacks\n", RANKS, limit=LIMIT
    )
    for calls in run.ranks:
        statuses = [call.status for call in calls if call.verb == "step"]
        assert statuses == [Status.OK, Status.OK, Status.MEMORY]
    assert "max_fallbacks = 2" in run.message("step")
    assert _told(run, "fallbacks") == {2.0}


def test_a_rank_that_fails_on_the_way_never_falls_back(hosts: Hosts) -> None:
    script = _loopback(hosts) + "on 1 " + _sabotage(hosts, "route", "Route", "deliver")
    run = hosts.run(script + f"generate 1 1 {DATE}\n", RANKS, limit=LIMIT)
    assert run.status("generate") == {Status.MEMORY}


def _loopback(hosts: Hosts, **keys: object) -> str:
    namelist = hosts.loopback(on_failure="unchanged", **keys)
    script = f"start 1 world {namelist}\n" + domain(hosts, rows(NX, NY, RANKS))
    return script + bind(hosts, {"sic": None})


def _sabotage(hosts: Hosts, module: str, owner: str, method: str) -> str:
    code = (
        f"from esm_coupler.coupling.{module} import {owner}\n"
        f"def gone(*_):\n    raise MemoryError\n{owner}.{method} = gone\n"
    )
    return f"python {hosts.python('sabotage.py', code)}\n"


@pytest.mark.parametrize("on_failure", ["unchanged", "climatology"])
def test_a_step_that_fails_keeps_the_models_own_state(on_failure: str) -> None:
    fallback = Fallback(CouplerConfig(on_failure=on_failure), check_time=lambda: None)

    def fail() -> Result:
        raise MemoryError

    result = fallback.step(fail)
    assert result.values is None and result.fallbacks == 1


def test_what_a_host_can_mend_never_falls_back(hosts: Hosts, checkpoint: Path) -> None:
    script = _ready(hosts, checkpoint, on_failure="unchanged")
    nan = np.where(_background() > 0.5, np.nan, 0.0).astype(np.float64)
    nan.tofile(hosts.folder / "nan.in")
    cases = (f"generate 1 0 {DATE}", "generate 1 1 20180230", f"step 1 {DATE} -60", "step 1 0 60")
    script += "".join(f"{case}\n" for case in cases)
    run = hosts.run(script + f"load sit_1 nan.in\nstep 1 {DATE} 60\n", RANKS, limit=LIMIT)
    for calls in run.ranks:
        assert {call.status for call in calls[-5:]} == {Status.VALUE}


def test_a_loopback_has_no_climatology() -> None:
    text = "&coupler_nml\n  engine = 'loopback', on_failure = 'climatology'\n/\n"
    with pytest.raises(ConfigError, match="needs a checkpoint"):
        parse_namelist(text, "f.nml")


def test_the_default_checkpoint_has_a_climatology_that_is_sea_ice() -> None:
    generator = Generator.load("default", device="cpu")
    climatology = Climatology(generator.model)
    area = {}
    for month in (3, 9):
        day = parse_date(19900015 + 100 * month)
        state, report = climatology.state(day)
        assert accepted(state)
        assert report.cells_changed < 0.01 * generator.grid.mask.sum()
        np.testing.assert_array_equal(state.values, climatology.state(day)[0].values)
        area[month] = float((state["sic"] * state.grid.cell_area).sum()) / 1e12
    assert 10 < area[3] < 16, "10^6 km2"
    assert 3 < area[9] < 6
