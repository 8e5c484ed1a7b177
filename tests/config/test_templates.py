"""Templates, worked examples and the reference agree with the dataclasses."""

from __future__ import annotations

from pathlib import Path

import pytest

from esm_coupler.config import parse_namelist, read_namelist
from esm_coupler.namelist_template import MODES, fortran, reference, template
from esm_coupler.option_text import options
from esm_coupler.options import GROUPS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("mode", MODES)
def test_a_template_is_a_valid_namelist_with_every_option_at_its_default(mode: str) -> None:
    text = template(mode)
    config = parse_namelist(text, mode)
    for name in MODES[mode][1]:
        read = getattr(config, name.removesuffix("_nml"))
        for key, option in options(GROUPS[name]).items():
            assert f"\n  {key} = " in text
            if not option.is_required() and key not in MODES[mode][2]:
                assert getattr(read, key) == option.default


@pytest.mark.parametrize("mode", MODES)
def test_what_a_mode_sets_is_an_option_of_its_groups(mode: str) -> None:
    _, groups, values = MODES[mode]
    assert set(values) <= {key for name in groups for key in options(GROUPS[name])}


@pytest.mark.parametrize("mode", MODES)
def test_a_template_is_no_wider_than_a_page(mode: str) -> None:
    assert max(len(line) for line in template(mode).splitlines()) <= 100


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_says_what_it_is(group: str) -> None:
    for key, option in options(GROUPS[group]).items():
        assert option.description, key
        assert "|" not in option.description, "it stands in a table"


@pytest.mark.parametrize("path", sorted((ROOT / "namelists").glob("*.nml")), ids=lambda p: p.name)
def test_a_worked_example_is_valid(path: Path) -> None:
    read_namelist(path)


def test_the_reference_in_docs_is_up_to_date() -> None:
    written = (ROOT / "docs" / "namelist_reference.md").read_text()
    message = "run 'esm-coupler namelist --reference > docs/namelist_reference.md'"
    assert written == reference(), message


@pytest.mark.parametrize(
    "value, text",
    [(True, ".true."), ("it's", "'it''s'"), ((1, 2), "1, 2"), (0.001, "0.001"), (20, "20")],
)
def test_values_are_written_as_fortran_has_them(value: object, text: str) -> None:
    assert fortran(value) == text
