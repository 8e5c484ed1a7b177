"""The report is one page that needs nothing else, with the scores and the pictures in it."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from esm_coupler.errors import OutputError
from esm_coupler.verify.report import write_report
from esm_coupler.verify.scorecard import evaluate
from esm_coupler.verify.states import States, joined
from esm_coupler.verify.tables import tables

from .made_up import random_states

Scored = tuple[dict, States, States, States]
ADDRESSES = ("src", "href", "srcset", "action", "data", "poster")


class Page(HTMLParser):
    """Tags that were seen, addresses that were asked for, cells of tables, open tags at the end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.cells: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ADDRESSES]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes another tag")

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells.append(data)


@pytest.fixture(scope="module")
def scored() -> Scored:
    generated = random_states(5, "2018-03-01", step=45)
    reference = random_states(24, "1991-01-01", step=15, seed=1)
    training = joined([random_states(24, f"{y}-01-01", 15, seed=y) for y in (1989, 1990)])
    scores = evaluate(generated, reference, training, cost={"seconds a state": 0.5234})
    return scores, generated, reference, training


@pytest.fixture(scope="module")
def text(scored: Scored, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    path = write_report(folder, *scored, title="A <b>title</b> & more")
    assert [p.name for p in folder.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


def test_the_page_asks_for_nothing_from_outside(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert not {"script", "link", "iframe"} & set(page.tags)
    assert all(a.startswith(("data:image/png;", "data:image/svg+xml;")) for a in page.addresses)
    assert "url(" not in text and "@import" not in text
    assert "<title>A &lt;b&gt;title&lt;/b&gt; &amp; more</title>" in text


def test_every_number_of_the_tables_is_on_the_page(
    text: str, scored: Scored
) -> None:
    cells = Page(text).cells
    shown = [cell for table in tables(scored[0]) for row in table.rows for cell in row if cell]
    assert cells == shown
    assert "0.5234" in cells
    error = scored[0]["distances"]["reference"]["ice_probability"]
    assert f"{error:.4f}" in cells


def test_pictures_are_pictures(text: str) -> None:
    addresses = Page(text).addresses
    kinds = [address.partition(";")[0] for address in addresses]
    # maps of sic, sit, snt and speed, and the edges; spectra, months, deformation
    assert kinds == ["data:image/png"] * 5 + ["data:image/svg+xml"] * 3
    for kind, address in zip(kinds, addresses, strict=True):
        content = io.BytesIO(base64.b64decode(address.partition(",")[2]))
        if kind.endswith("png"):
            pixels = (imread(content)[..., :3] * 255).astype(np.uint8)
            assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100
        else:
            root = ElementTree.parse(content).getroot()
            assert root.tag.endswith("svg") and len(list(root.iter())) > 100


def test_a_report_that_exists_is_replaced_on_request_only(
    scored: Scored, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        write_report(tmp_path, *scored)
    assert (tmp_path / "report.html").read_text() == "mine"


def test_fewest_states_and_fields(tmp_path: Path) -> None:
    generated = random_states(1).of_names(("sic",))
    reference = random_states(1, seed=1).of_names(("sic",))
    full = replace(generated, fields=generated.grid.mask * np.ones_like(generated.fields))
    for folder, states in (("random", generated), ("full", full)):
        (tmp_path / folder).mkdir()
        scores = evaluate(states, reference)
        page = Page(write_report(tmp_path / folder, scores, states, reference).read_text())
        assert len(page.addresses) == 4 and page.open == []
