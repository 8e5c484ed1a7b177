"""One self-contained page with the tables and pictures of an evaluation."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import replace_file, require_output
from . import pictures
from .states import States
from .tables import Table, tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = "report.html"
STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #1b2733; max-width: 1100px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.15rem; margin: 2.2rem 0 .3rem; }
p { margin: .2rem 0 .6rem; color: #4a5865; }
div.table { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; }
th, td { padding: .25rem .7rem; border-bottom: 1px solid #dde3e8; text-align: right;
         white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td:last-child { white-space: normal; } /* file names */
thead th { border-bottom: 2px solid #1b2733; }
figure { margin: 1rem 0 2rem; } figure img { max-width: 100%; height: auto; }
figcaption { color: #4a5865; }
footer { margin-top: 3rem; color: #4a5865; font-size: .85rem; }
"""


def write_report(
    folder: Path, scores: Mapping[str, Any], generated: States, reference: States,
    training: States | None = None, title: str = "Generated sea ice, scored",
    overwrite: bool = False,
) -> Path:  # fmt: skip
    """Write `report.html` into `folder` and give its path; the page needs no other file.

    `scores` are what `scorecard.evaluate` gave for these states. OutputError if the file exists
    (unless `overwrite`) or cannot be written.
    """
    path = folder / FILE
    require_output(path, overwrite, "allow to overwrite it")
    parts = [f"<h1>{escape(title)}</h1>"]
    parts += [_html(table) for table in tables(scores)]
    parts.append("<h1>Pictures</h1>")
    figures = _figures(scores, generated, reference, training)
    parts += [_figure(caption, figure, kind) for caption, figure, kind in figures]
    replace_file(path, _page(title, "\n".join(parts)).encode())
    return path


def _figures(
    scores: Mapping[str, Any], generated: States, reference: States, training: States | None
) -> Iterator[tuple[str, Figure, str]]:
    """(caption, figure, format): maps as PNG, lines as SVG."""
    for caption, figure in pictures.maps(generated, reference):
        yield caption, figure, "png"
    yield ("Ice edges (15 %) of the months with most and with least ice",
           pictures.edges(generated, reference), "png")  # fmt: skip
    yield ("Mean power over the central window, on the same calendar days; the dotted line is "
           "where the bands of the tables end",
           pictures.spectra_figure(generated, reference, training), "svg")  # fmt: skip
    yield ("By month: least, quartiles, median and largest of states of the same calendar days",
           pictures.months_figure(generated, reference, training), "svg")  # fmt: skip
    if "deformation" in scores:
        yield ("Total deformation rate against scale",
               pictures.deformation_figure(scores["deformation"]), "svg")  # fmt: skip


def _html(table: Table) -> str:
    """A table with its title and note; every text is escaped."""
    head = "".join(f"<th>{escape(cell)}</th>" for cell in table.header)
    rows = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
        for row in table.rows
    )
    return (
        f"<h2>{escape(table.title)}</h2>\n<p>{escape(table.note)}</p>\n"
        f'<div class="table"><table><thead><tr>{head}</tr></thead>\n'
        f"<tbody>{rows}</tbody></table></div>"
    )


def _figure(caption: str, figure: Figure, kind: str) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, dpi=110, facecolor="white")
    mime = {"png": "image/png", "svg": "image/svg+xml"}[kind]
    data = base64.b64encode(buffer.getvalue()).decode()
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:{mime};base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _page(title: str, body: str) -> str:
    from .. import __version__

    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n<body>\n{body}\n"
        f"<footer>esm_coupler {escape(__version__)}, esm-coupler evaluate. What each score means "
        "and where it comes from: docs/evaluation.md of the project.</footer>\n</body></html>\n"
    )
