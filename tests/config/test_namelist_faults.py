"""Each fault of a namelist is refused by one sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler.config import parse_namelist, read_namelist
from esm_coupler.errors import ConfigError, Status
from support.namelists import VALID, with_line


def message(text: str) -> str:
    """The message that a namelist is refused with."""
    with pytest.raises(ConfigError) as refused:
        parse_namelist(text, "f.nml")
    assert refused.value.status == Status.CONFIG
    return str(refused.value)


def one_sentence(text: str) -> str:
    """The message, which must be a single line."""
    said = message(text)
    assert "\n" not in said
    assert len(said) < 400
    return said


STRUCTURE = {
    "no slash at the end": ("&ensemble_nml\n members = 3\n", ["line 1", "&ensemble_nml", "'/'"]),
    "no slash before the next group": (
        "&ensemble_nml\n members = 3\n&coupler_nml\n/\n",
        ["&ensemble_nml", "'/'", "&coupler_nml"],
    ),
    "closed by &end": ("&ensemble_nml\n&end\n", ["&ensemble_nml", "'/'", "&end"]),
    "text between groups": ("hello\n&ensemble_nml\n/\n", ["line 1", "'hello'", "outside"]),
    "text behind the last group": ("&ensemble_nml\n/\nx = 3\n", ["line 3", "'x'", "outside"]),
    "path without quotes": (
        with_line("ensemble_nml", "output = /scratch/out.nc"),
        ["line 2", "'scratch'", "quotes"],
    ),
    "nothing at all": ("", ["f.nml", "no namelist group", "template"]),
    "comments only": ("! nothing\n\n", ["no namelist group"]),
    "open quote": (
        with_line("ensemble_nml", "output = 'out.nc"),
        ["line 2", "'out.nc", "closing quote"],
    ),
    "group without a name": ("&\n members = 3\n/\n", ["line 1", "'&'", "without a name"]),
    "no equals sign": (with_line("ensemble_nml", "members 3"), ["line 2", "key = value"]),
    "no key": (with_line("ensemble_nml", "= 3"), ["line 2", "key = value"]),
    "dollar for ampersand": ("$ensemble_nml\n$end\n", ["line 1", "'$ensemble_nml'"]),
}


@pytest.mark.parametrize("text, named", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_a_file_of_wrong_structure_is_refused(text: str, named: list[str]) -> None:
    said = one_sentence(text)
    assert said.startswith("f.nml")
    for part in named:
        assert part in said


VALUES = {
    "unknown key": ("ensemble_nml", "membres = 3", ["membres", "did you mean members"]),
    "indexed key": ("ensemble_nml", "members(1) = 3", ["members(1)", "did you mean members"]),
    "key given twice": ("ensemble_nml", "seed = 3\n seed = 4", ["line 3", "seed", "twice", "3"]),
    "no value": ("ensemble_nml", "members =", ["members", "no value", "integer from 1"]),
    "text for an integer": ("ensemble_nml", "members = '3'", ["members = '3'", "integer"]),
    "real for an integer": ("ensemble_nml", "members = 3.0", ["members = 3.0", "integer"]),
    "logical for an integer": ("ensemble_nml", "members = .true.", ["members = .true."]),
    "no members": ("ensemble_nml", "members = 0", ["members = 0", "from 1 to"]),
    "negative members": ("ensemble_nml", "members = -4", ["members = -4", "from 1 to"]),
    "first member is 0": ("ensemble_nml", "first_member = 0", ["first_member = 0", "from 1"]),
    "too large for Fortran": ("ensemble_nml", "seed = 2147483648", ["2147483647"]),
    "huge number": ("ensemble_nml", "seed = " + 6000 * "9", ["seed = 9999", "6000 characters"]),
    "several for one": ("ensemble_nml", "members = 3, 4", ["members = 3, 4"]),
    "huge repeat count": ("ensemble_nml", "members = 1000000000*1", ["1000000000*1"]),
    "number for a text": ("ensemble_nml", "output = 3", ["output = 3", "text in quotes"]),
    "word without quotes": ("ensemble_nml", "output = out", ["output = out", "text in quotes"]),
    "empty text": ("ensemble_nml", "output = ''", ["output = ''", "non-empty"]),
    "overlong path": (
        "ensemble_nml", "output = '" + 1025 * "x" + "'", ["output = 'xxx", "1024 characters"],
    ),
    "number for a logical": ("ensemble_nml", "overwrite = 1", ["overwrite = 1", ".true."]),
    "word for a logical": ("ensemble_nml", "overwrite = .troll.", [".troll.", ".true."]),
    "no such choice": ("generator_nml", "device = 'gpu'", ["'gpu'", "'auto', 'cpu', 'cuda'"]),
    "no such sampler": ("generator_nml", "sampler = 'euler'", ["'euler'", "'heun', 'dpm', 'sto"]),
    "noise below 0": ("generator_nml", "sigma_min = -0.1", ["sigma_min = -0.1", "1e-05 to 0.5"]),
    "hardly any noise": ("generator_nml", "sigma_max = 0.5", ["sigma_max = 0.5", "1 to 100000"]),
    "levels without spacing": ("generator_nml", "rho = 0", ["rho = 0", "from 1 to 100"]),
    "negative churn": ("generator_nml", "churn = -1", ["churn = -1", "0 to 10000"]),
    "nearly a choice": ("coupler_nml", "engine = 'lopback'", ["did you mean 'loopback'"]),
    "not a number": ("denoiser_nml", "dropout = nan", ["dropout = nan", "finite real number"]),
    "infinite": ("denoiser_nml", "dropout = +Infinity", ["+Infinity", "finite real number"]),
    "too large to be finite": ("autoencoder_nml", "kl_weight = 1e400", ["1e400", "finite"]),
    "real out of range": ("denoiser_nml", "dropout = 1.5", ["dropout = 1.5", "0 to 0.9"]),
    "text for a real": ("denoiser_nml", "dropout = '0.1'", ["dropout = '0.1'", "real"]),
    "not divisible": ("autoencoder_nml", "channels = 12", ["channels = 12", "divisible by 8"]),
    "no such day": ("ensemble_nml", "date = 20180230", ["date = 20180230", "exists"]),
    "no such day as text": ("ensemble_nml", "date = '2018-02-30'", ["'2018-02-30'", "exists"]),
    "no leap day": ("ensemble_nml", "date = 20190229", ["date = 20190229", "exists"]),
    "other form of a date": ("ensemble_nml", "date = '1 March 1990'", ["exists", "yyyymmdd"]),
    "date of six digits": ("ensemble_nml", "date = 900301", ["date = 900301", "yyyymmdd"]),
    "endless date": ("ensemble_nml", "date = " + 30 * "9", ["date = 9999", "yyyymmdd"]),
    "negative date": ("ensemble_nml", "date = -19900301", ["date = -19900301"]),
}  # fmt: skip


@pytest.mark.parametrize("group, line, named", VALUES.values(), ids=VALUES.keys())
def test_a_wrong_value_is_refused(group: str, line: str, named: list[str]) -> None:
    said = one_sentence(with_line(group, line))
    assert f"f.nml, line {3 if 'twice' in said else 2}, &{group}" in said
    for part in named:
        assert part in said


def test_an_unknown_group_is_named_with_the_nearest() -> None:
    said = one_sentence(with_line("ensembel_nml", "members = 3"))
    assert "&ensembel_nml" in said
    assert "did you mean &ensemble_nml" in said


def test_a_group_given_twice_is_refused() -> None:
    said = one_sentence(with_line("ensemble_nml", "seed = 2") * 2)
    assert "line 4" in said
    assert "&ensemble_nml is given twice" in said


def test_all_faults_of_a_file_are_said_in_the_order_of_the_file() -> None:
    text = (
        "&ensemble_nml\n members = 0\n sed = 2\n/\n&wrong_nml\n/\n&coupler_nml\n threads = 0\n/\n"
    )
    lines = message(text).splitlines()
    named = ["members = 0", "sed", "&wrong_nml", "threads = 0"]
    assert len(lines) == len(named)
    for line, part in zip(lines, named, strict=True):
        assert part in line


def test_a_file_with_a_thousand_faults_is_refused_in_few_lines() -> None:
    lines = message("&ensemble_nml\n" + 1000 * " colour = 1\n" + "/\n").splitlines()
    assert len(lines) == 21
    assert "980 more faults" in lines[-1]


def test_a_list_of_very_many_values_is_refused_at_once() -> None:
    said = message(with_line("training_nml", "train_years = " + 100_000 * "1 "))
    assert "train_years = 1, 1" in said
    assert len(said) < 2000


@pytest.mark.parametrize("key", ["kind", "data", "train_years", "validation_years", "output"])
def test_a_training_must_say_what_it_trains(key: str) -> None:
    assert f"{key} is missing" in message(with_line("training_nml", ""))


def training(line: str) -> str:
    return VALID.replace("minutes = 3", line)


@pytest.mark.parametrize("name", ["out", "out.pt", ".safetensors"])
def test_a_training_writes_a_checkpoint(name: str) -> None:
    said = one_sentence(VALID.replace("out.safetensors", name))
    assert f"output = '{name}'" in said
    assert "end in .safetensors" in said


def test_a_year_is_not_both_trained_and_validated_on() -> None:
    assert "year 1985" in one_sentence(VALID.replace("1991", "1985"))


def test_a_year_that_is_no_number_is_refused() -> None:
    assert "train_years = 1984, x" in one_sentence(VALID.replace("1984, 1985 1986", "1984 x"))


FILES = {
    "binary": (b"\x7fELF\x02\x01\x00&ensemble_nml /", ["not a text file"]),
    "Latin-1": (b"&ensemble_nml output = '\xe9' /", ["not a text file", "25", "UTF-8"]),
    "empty": (b"", ["no namelist group"]),
    "huge": (b"!" + b" " * 1_000_001, ["larger than"]),
}


@pytest.mark.parametrize("content, named", FILES.values(), ids=FILES.keys())
def test_a_file_that_is_no_namelist_is_refused(
    tmp_path: Path, content: bytes, named: list[str]
) -> None:
    file = tmp_path / "f.nml"
    file.write_bytes(content)
    with pytest.raises(ConfigError) as refused:
        read_namelist(file)
    for part in ["f.nml", *named]:
        assert part in str(refused.value)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("weights = 'w.safetensors'", "needs the emulator's own grid"),
        ("engine = 'loopback'", "needs engine = 'generator'"),
    ],
)
def test_what_does_not_go_with_an_emulator_is_refused(keys: str, words: str) -> None:
    with pytest.raises(ConfigError, match=f"&coupler_nml: step_mode = 'emulate' {words}"):
        parse_namelist(f"&coupler_nml step_mode = 'emulate', {keys} /\n", "host.nml")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.nml does not exist"):
        read_namelist(tmp_path / "absent.nml")


def test_a_folder_is_no_namelist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is a directory"):
        read_namelist(tmp_path)


def test_an_empty_path_is_called_so() -> None:
    with pytest.raises(ConfigError, match="the namelist's path is empty"):
        read_namelist("")


@pytest.mark.parametrize("length", [300, 5000])
def test_an_overlong_path_of_the_namelist_itself_is_refused(length: int) -> None:
    with pytest.raises(ConfigError, match="xxx"):
        read_namelist(length * "x")


def test_a_path_with_a_null_byte_is_refused() -> None:
    with pytest.raises(ConfigError):
        read_namelist("a\0b")
