"""compile = .true.: torch compiles the denoiser once, at the start, or says why it can't."""

import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch

from esm_coupler.config import parse_namelist
from esm_coupler.coupling.generator_engine import GeneratorEngine
from esm_coupler.coupling.maker import Maker
from esm_coupler.coupling.seating import Seat
from esm_coupler.errors import ConfigError
from esm_coupler.generator.compiled import compile_network
from esm_coupler.generator.generator import Generator
from esm_coupler.generator.schedule import SAMPLER_NAMES
from esm_coupler.testing import tiny_checkpoint


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return tiny_checkpoint(tmp_path_factory.mktemp("model") / "tiny.safetensors")


@contextmanager
def engine_of(checkpoint, compile_):
    text = f"&generator_nml checkpoint = '{checkpoint}', compile = {compile_}, device = 'cpu' /\n"
    config = parse_namelist(text, "f.nml")
    maker = Maker(Seat(0, 1, config), lambda: None)
    engine = GeneratorEngine(config, maker)
    yield engine
    engine.close()
    maker.close()


def test_the_namelist_decides_inside_a_host_and_the_file_tells(checkpoint, monkeypatch):
    compiled = []
    monkeypatch.setattr(
        torch.nn.Module, "compile", lambda network, dynamic: compiled.append((network, dynamic))
    )
    for compile_ in (".false.", ".true."):
        with engine_of(checkpoint, compile_) as engine:
            told = engine._generator.generate(1, n_steps=1).attributes
            assert told["compiled"] == compile_.strip(".") != told["reproducible"]
            denoiser = engine._generator.model.denoisers[0]
    assert compiled == [(denoiser, False)]


class Network(torch.nn.Module):
    """One that is compiled in no time."""

    def __init__(self):
        super().__init__()
        self.done = []

    def compile(self, dynamic):
        self.done.append("compiled")


def test_a_network_is_used_before_anyone_waits_for_it():
    network = Network()
    compile_network(network, lambda: network.done.append("used"))
    assert network.done == ["compiled", "used"]


@pytest.mark.slow
def test_without_a_compiler_one_sentence_says_what_to_do(checkpoint, tmp_path):
    code = (
        "import sys; from esm_coupler import Generator\n"
        "from esm_coupler.errors import ConfigError\n"
        "try: Generator.load(sys.argv[1], compile=True)\n"
        "except ConfigError as error: print(error)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(checkpoint)], capture_output=True, text=True, check=True,
        env={"CXX": "/no/compiler", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert run.stdout.count("\n") == 1
    assert "C++ compiler (g++, or name one in CXX)" in run.stdout
    assert "/no/compiler" in run.stdout


def test_a_fault_of_the_compiler_is_the_users_to_mend():
    def fails():
        raise RuntimeError("no such instruction\nand much more")

    with pytest.raises(ConfigError, match=r"\(no such instruction\): install a C\+\+ compiler"):
        compile_network(Network(), fails)


@pytest.mark.slow
def test_a_compiled_generator_is_warm_and_gives_nearly_the_same_states(checkpoint):
    plain = Generator.load(checkpoint, device="cpu")
    compiled = Generator.load(checkpoint, device="cpu", compile=True)
    with torch.compiler.set_stance("fail_on_recompile"):
        for sampler in SAMPLER_NAMES:
            options = {"members": 2, "date": 20180301, "n_steps": 4, "sampler": sampler}
            values = compiled.generate(**options).values
            np.testing.assert_allclose(values, plain.generate(**options).values, atol=1e-4)
            np.testing.assert_array_equal(values, compiled.generate(**options).values)


@pytest.mark.slow
def test_a_hosts_compiled_generator_gives_the_bits_of_the_python_door(checkpoint):
    with engine_of(checkpoint, ".true.") as engine:
        values = engine.generate(("sic", "sit"), np.empty(0), member=3, date=20180301).values
    ensemble = Generator.load(checkpoint, "cpu", compile=True).generate([3], date=20180301)
    np.testing.assert_array_equal(values, np.stack([ensemble["sic"][0], ensemble["sit"][0]]))
