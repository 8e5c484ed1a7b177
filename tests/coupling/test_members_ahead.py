"""Several members at once, on several ranks: the same bits, handed out call by call."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from support.cli import esm_coupler_process

from esm_coupler import Generator
from esm_coupler.coupling.maker import Maker
from esm_coupler.coupling.seating import require_alike
from esm_coupler.errors import ConfigError, Status
from esm_coupler.generator import device

from .hosts_build import Hosts
from .layouts import read_field, rows, tiles
from .scripts import DATE, KINDS, NX, NY, as_host, bind, domain, sampled, start

LIMIT = 90
COUNT = """
from esm_coupler.generator.generator import Generator
genuine = Generator.samples
def samples(self, requests, *others):
    with open("made.{rank}", "a") as file:
        file.write("".join(f"{{r.member}} " for r in requests) + "\\n")
    return genuine(self, requests, *others)
Generator.samples = samples
"""
NO_SECOND = """
from esm_coupler.generator.generator import Generator
genuine = Generator.samples
def samples(self, requests, *others):
    if requests[0].member == 2:
        raise RuntimeError("CUDA out of memory, by a test")
    return genuine(self, requests, *others)
Generator.samples = samples
"""
HAS_TORCH = "import sys\nassert ('torch' in sys.modules) is {}\n"


def _ready(hosts: Hosts, checkpoint: Path, ranks: int, **keys: object) -> str:
    script = start(hosts, checkpoint, **keys) + domain(hosts, tiles(NX, NY, ranks))
    script += bind(hosts, dict.fromkeys(KINDS))
    for rank in range(int(keys["generator_ranks"])):
        name = hosts.python(f"count_{rank}.py", COUNT.format(rank=rank))
        script += f"on {rank} python {name}\n"
    return script


def _generate(members: list[int], date: int = DATE) -> str:
    """Members one after another, each saved."""
    calls = [
        f"generate 1 {member} {date}\n" + "".join(f"save {n}_1 {n}.{member}.out\n" for n in KINDS)
        for member in members
    ]
    return "".join(calls)


def _made(hosts: Hosts, rank: int) -> list[str]:
    """What a rank's network was asked for, batch by batch."""
    return [line.strip() for line in (hosts.folder / f"made.{rank}").read_text().splitlines()]


def _require_same_as_alone(hosts: Hosts, generator: Generator, member: int, ranks: int) -> None:
    state = sampled(generator, member)
    for name in KINDS:
        got = read_field(hosts.folder, f"{name}.{member}.out", ranks, (NY, NX))
        np.testing.assert_array_equal(got, as_host(state[name], name), err_msg=f"{name} {member}")


@pytest.mark.parametrize(
    ("ranks", "generators", "made"),
    [
        (1, 1, [["1", "2", "3", "4", "5", "6", "7", "8"]]),
        (2, 2, [["1", "3", "5", "7"], ["2", "4", "6", "8"]]),
        (4, 3, [["1", "4", "5", "8"], ["2", "6"], ["3", "7"]]),
        (6, 4, [["1", "5"], ["2", "6"], ["3", "7"], ["4", "8"]]),
    ],
)
def test_members_are_spread_and_have_the_bits_that_each_has_alone(
    hosts: Hosts, checkpoint: Path, generator: Generator, ranks: int, generators: int, made: list
) -> None:
    members = [1, 3, 2, 4, 5, 8]
    keys = {"members_ahead": 4, "generator_ranks": generators}
    script = _ready(hosts, checkpoint, ranks, **keys) + _generate(members)
    for rank in range(ranks):
        code = hosts.python(f"torch_{rank}.py", HAS_TORCH.format(rank < generators))
        script += f"on {rank} python {code}\n"
    run = hosts.run(script + "stop 1\n", ranks, limit=LIMIT)
    assert set(run.values("generate")) == set(run.values("stop")) == {Status.OK}
    assert set(run.values("python")) == {0}, "who has torch"
    for member in members:
        _require_same_as_alone(hosts, generator, member, ranks)
    assert [_made(hosts, rank) for rank in range(generators)] == made


def test_what_is_asked_for_out_of_order_is_made_anew(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """Another date, or a member that is not kept: with the members behind it."""
    script = _ready(hosts, checkpoint, 2, members_ahead=2, generator_ranks=2)
    script += _generate([5, 6]) + f"generate 1 6 {DATE + 1}\n" + _generate([6, 5])
    run = hosts.run(script, 2, limit=LIMIT)
    assert set(run.values("generate")) == {Status.OK}
    assert _made(hosts, 0) == ["5", "6", "6", "5"]
    assert _made(hosts, 1) == ["6", "7", "7", "6"]
    for member in (5, 6):
        _require_same_as_alone(hosts, generator, member, 2)


def test_a_member_that_cannot_be_made_ahead_fails_no_other_call(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    """The second rank's GPU is full, say: its member is told of, and made by the first rank."""
    script = _ready(hosts, checkpoint, 2, members_ahead=2, generator_ranks=2)
    script += f"on 1 python {hosts.python('full.py', NO_SECOND)}\n" + _generate([1, 2])
    run = hosts.run(script, 2, limit=LIMIT)
    for calls in run.ranks:
        first, second = (call for call in calls if call.verb == "generate")
        assert first.status == second.status == Status.OK
        assert first.message == (
            "note: member 2 could not be made ahead, it is made when asked for "
            "(CUDA out of memory, by a test)"
        )
    assert _made(hosts, 0) == ["1", "2"]
    for member in (1, 2):
        _require_same_as_alone(hosts, generator, member, 2)


def test_a_member_number_that_is_none_is_refused_and_the_next_call_works(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    script = _ready(hosts, checkpoint, 2, members_ahead=3, generator_ranks=2)
    run = hosts.run(script + f"generate 1 0 {DATE}\n" + _generate([1]), 2, limit=LIMIT)
    for calls in run.ranks:
        statuses = [call.status for call in calls if call.verb == "generate"]
        assert statuses == [Status.VALUE, Status.OK]
    _require_same_as_alone(hosts, generator, 1, 2)


def test_a_hosts_mask_holds_for_members_from_other_ranks_and_the_log_tells_the_same_hashes(
    hosts: Hosts, checkpoint: Path
) -> None:
    ocean = np.zeros((NY, NX))
    ocean[1:-1, 1:-1], ocean[NY // 2, NX // 2] = 1.0, 0.0
    ocean[2, 2:10] = 0.0
    hashes = {}
    for ahead in (1, 3):
        log = f"calls_{ahead}.log"
        keys = {"members_ahead": ahead, "generator_ranks": 2, "log_file": log}
        script = start(hosts, checkpoint, **keys) + domain(hosts, rows(NX, NY, 3))
        ocean.tofile(hosts.folder / "ocean.in")
        script += "field ocean 8 3\nload ocean ocean.in\nmask 1 ocean\n"
        run = hosts.run(script + bind(hosts, dict.fromkeys(KINDS)) + _generate([1, 2, 3]), 3)
        assert set(run.values("generate")) == {Status.OK}
        hashes[ahead] = re.findall(
            r"(member \d+) .* sha256 (\w+)", (hosts.folder / log).read_text()
        )
        sic = read_field(hosts.folder, "sic.2.out", 3, (NY, NX))
        assert sic.any() and not sic[2, 2:10].any()
    assert len(hashes[1]) == 3
    assert hashes[1] == hashes[3]


def test_the_log_says_once_who_computes_where(hosts: Hosts, checkpoint: Path) -> None:
    """Rank 0 does, in the file that a host gets which asks for none."""
    keys = {"members_ahead": 3, "generator_ranks": 2}
    hosts.run(_ready(hosts, checkpoint, 4, **keys) + _generate([1]), 4, limit=LIMIT)
    log = (hosts.folder / "esm_coupler.log").read_text()
    (line,) = re.findall(r"generators on .*", log)
    told = r"generators on 2 of 4 ranks: \S+ \(4 ranks\) rank 0 on cpu, rank 1 on cpu; "
    assert re.fullmatch(told + "precision fp32, batch 1, compiled false, reproducible true", line)


def test_a_batch_is_another_mode_and_says_so(
    hosts: Hosts, checkpoint: Path, generator: Generator
) -> None:
    keys = {"members_ahead": 5, "generator_ranks": 2, "log_file": "calls.log"}
    script = _ready(hosts, checkpoint, 2, **keys, sampling={"batch_members": 2})
    hosts.run(script + _generate([1, 2, 3]), 2, limit=LIMIT)
    assert _made(hosts, 0) == ["1 3", "5"]
    assert _made(hosts, 1) == ["2 4"]
    assert "batch 2, compiled false, reproducible false" in (hosts.folder / "calls.log").read_text()
    for member in (1, 2, 3):
        sic = read_field(hosts.folder, f"sic.{member}.out", 2, (NY, NX))
        np.testing.assert_allclose(sic, sampled(generator, member)["sic"], atol=1e-4)


def test_a_recording_of_several_generators_is_the_same_on_other_ranks(
    hosts: Hosts, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"):
        monkeypatch.setenv(name, "1")
    keys = {"members_ahead": 3, "generator_ranks": 2, "record": "rec"}
    script = _ready(hosts, checkpoint, 3, **keys) + _generate([1, 2, 4])
    hosts.run(script + "stop 1\n", 3, limit=LIMIT)
    for ranks in ("1", "4"):
        outcome = esm_coupler_process("replay", hosts.folder / "rec", "--ranks", ranks)
        assert (outcome.status, outcome.err) == (0, "")
        assert outcome.out.count("  same") == 3


def test_a_fault_in_the_checkpoint_of_one_rank_is_told_on_all(hosts: Hosts) -> None:
    keys = {"members_ahead": 2, "generator_ranks": 2}
    run = hosts.run(start(hosts, "nowhere.safetensors", **keys), 3, limit=LIMIT)
    assert run.status("start") == {Status.CHECKPOINT}
    assert "nowhere.safetensors" in run.message("start")


def test_generators_that_would_give_other_bits_are_refused() -> None:
    gpu, cpu = "on cuda (NVIDIA A100) with checkpoint 12ab", "on cpu with checkpoint 12ab"
    require_alike([gpu, "", gpu])
    with pytest.raises(ConfigError, match=r"rank 2 is on cpu .* that of rank 0 is on cuda"):
        require_alike([gpu, "", cpu])


def test_processors_and_versions_of_torch_count_among_what_is_alike(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Loaded(Maker):
        def __init__(self) -> None:
            self.generator = Generator.load(checkpoint, device="cpu")

    told = [Loaded().identity()]
    with monkeypatch.context() as patch:
        patch.setattr(device, "processor", lambda: "another processor")
        told.append(Loaded().identity())
    monkeypatch.setattr(torch, "__version__", "9.9")
    told.append(Loaded().identity())
    for other in told[1:]:
        with pytest.raises(ConfigError, match="rank 1 is on"):
            require_alike([told[0], other])
