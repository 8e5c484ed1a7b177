"""Whatever is done to a namelist, it is read or refused: never another exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from esm_coupler.config import Config, parse_namelist
from esm_coupler.errors import ConfigError
from esm_coupler.namelist_template import fortran
from support.namelists import VALID, with_line

POSITIONS = st.integers(0, len(VALID))
PIECES = st.sampled_from(
    ["&", "/", "'", '"', "=", ",", "!", "\n", "(", ")", "%", "*", "nan", "inf", "1e999", "-", ".",
     "&ensemble_nml", "members", "\t", "3*", "9" * 5000, "é", "\\", "$", "1_8", "z'ff'", "+", ";"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """The valid namelist after one to four cuts, insertions or copies."""
    text = VALID
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted((draw(POSITIONS), draw(POSITIONS)))
        piece = draw(st.one_of(PIECES, st.text(max_size=8), st.just(text[start:end])))
        cut = draw(st.sampled_from([start, end, start + 1]))
        text = text[:start] + piece + text[cut:]
    return text


def read_or_refuse(text: str, overrides: tuple[str, ...] = ()) -> Config | None:
    try:
        return parse_namelist(text, "f.nml", overrides)
    except ConfigError as refused:
        assert str(refused).strip()
        return None


@settings(max_examples=500, deadline=None)
@given(mutated())
def test_a_damaged_namelist_is_read_or_refused(text: str) -> None:
    read_or_refuse(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="&abn_ml=,/'\"!().*%+-019 \n", max_size=80))
def test_any_text_is_read_or_refused(text: str) -> None:
    read_or_refuse("&ensemble_nml " + text)
    read_or_refuse(text)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30), st.sampled_from(["members", "output", "date", "overwrite", "x"]))
def test_any_override_is_read_or_refused(value: str, key: str) -> None:
    read_or_refuse(VALID, (f"ensemble_nml.{key}={value}",))
    read_or_refuse(VALID, (value,))


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=40))
def test_any_printable_text_comes_back_as_it_was_written(text: str) -> None:
    line = f"output = {fortran(text)}"
    assert parse_namelist(with_line("ensemble_nml", line), "f.nml").ensemble.output == text


@settings(deadline=None)
@given(st.floats(min_value=-10, max_value=10))
def test_any_real_comes_back_to_the_bit(value: float) -> None:
    line = f"log_sigma_mean = {fortran(value)}"
    read = parse_namelist(with_line("denoiser_nml", line), "f.nml").denoiser.log_sigma_mean
    assert read == value


@settings(deadline=None)
@given(st.integers(1, 9999))
def test_any_allowed_integer_comes_back(value: int) -> None:
    line = f"members = {fortran(value)}"
    assert parse_namelist(with_line("ensemble_nml", line), "f.nml").ensemble.members == value
