"""What a user writes in a namelist arrives in the dataclasses."""

from __future__ import annotations

import dataclasses

import pytest

from esm_coupler.config import Config, parse_namelist, read_namelist
from esm_coupler.generator import architecture
from support.namelists import VALID, with_line


def test_values_of_all_kinds_arrive() -> None:
    config = parse_namelist(VALID, "f.nml")

    assert config.coupler.engine == "loopback"
    assert config.coupler.threads == 2
    assert config.generator.checkpoint == "it's.safetensors"
    assert config.generator.n_steps == 7
    assert config.ensemble.overwrite is True
    assert config.training is not None
    assert config.training.train_years == (1984, 1985, 1986)
    assert config.training.validation_years == (1991,)
    assert config.training.learning_rate == 1.5e-3
    assert config.denoiser.dropout == 0.2


def test_an_integer_is_good_enough_for_a_real() -> None:
    training = parse_namelist(VALID, "f.nml").training
    assert training is not None
    assert training.minutes == 3.0
    assert isinstance(training.minutes, float)


def test_groups_that_are_missing_have_their_defaults() -> None:
    config = parse_namelist(with_line("coupler_nml", ""), "f.nml")
    default = Config()

    assert config.ensemble == default.ensemble
    assert config.generator == default.generator
    assert config.autoencoder == default.autoencoder
    assert config.training is None


def test_groups_of_the_host_are_left_alone() -> None:
    text = with_line("host_nml", "any%thing(3:4) = 2*1.0, , 'x/y', (1.0, 2.0)")
    assert parse_namelist(text, "f.nml").ensemble == Config().ensemble


def test_names_of_groups_and_keys_may_be_in_capitals() -> None:
    assert parse_namelist(with_line("ENSEMBLE_NML", "Members = 9"), "f.nml").ensemble.members == 9


@pytest.mark.parametrize("date", ["19900304", "'1990-03-04'"])
def test_a_date_is_a_number_or_a_text(date: str) -> None:
    config = parse_namelist(with_line("ensemble_nml", f"date = {date}"), "f.nml")
    assert config.ensemble.date == 19900304


def test_leap_days_exist_in_leap_years() -> None:
    config = parse_namelist(with_line("ensemble_nml", "date = 20200229"), "f.nml")
    assert config.ensemble.date == 20200229


def test_the_text_is_kept_as_read_with_what_was_set_over_it(tmp_path) -> None:
    file = tmp_path / "run.nml"
    file.write_text(VALID)
    config = read_namelist(file, ["ensemble_nml.members=8"])

    assert config.text == VALID
    assert config.overrides == ("ensemble_nml.members=8",)
    assert config.source == "run.nml"


def test_line_ends_and_byte_order_marks_of_other_systems_do_no_harm(tmp_path) -> None:
    file = tmp_path / "run.nml"
    file.write_bytes(b"\xef\xbb\xbf" + VALID.replace("\n", "\r\n").encode())
    assert read_namelist(file).ensemble.members == 3


def test_a_configuration_cannot_be_changed_afterwards() -> None:
    config = parse_namelist(VALID, "f.nml")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.ensemble.members = 5  # type: ignore[misc]


def test_architectures_are_those_of_the_networks() -> None:
    config = parse_namelist(with_line("autoencoder_nml", "channels = 16"), "f.nml")
    assert isinstance(config.autoencoder, architecture.AutoencoderConfig)
    expected = dataclasses.asdict(architecture.AutoencoderConfig(channels=16))
    assert dataclasses.asdict(config.autoencoder) == expected


def test_reading_a_namelist_does_not_import_torch() -> None:
    import subprocess
    import sys

    code = "import sys, esm_coupler.config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
