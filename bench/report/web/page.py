"""Puts ``index.html`` of a results folder together: everything inline, so that a double click
opens it without a network.

Records are other people's files. What comes from them is escaped where it stands in the HTML, and
stands in the data as deflated JSON in base64; the scripts write it as text alone.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.report.web import vega
from bench.report.web.data import embedded
from bench.report.web.drawn import Drawing
from bench.report.web.glossary import GLOSSARY
from bench.report.web.top import top
from bench.results.record import Record
from bench.stats.runs import Replicates

NAME = "index.html"
HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One part of the page; its markup is ``KEY.html``, its data ``glyphbench.content[KEY]``."""

    key: str
    title: str
    scripts: tuple[str, ...] = ()  # in the order in which the page runs them, after Vega
    styles: tuple[str, ...] = ()


RESULTS = ("tabs.js", "statistics.js", "wording.js", "selection.js", "chart.js", "view.js")
# In their order on the page. One without data is left out.
TABS = (
    Tab(key="results", title="Results", scripts=RESULTS, styles=("style.css",)),
    Tab(key="lessons", title="Lessons"),
    Tab(
        key="draw",
        title="Drawn by hand",
        scripts=("ink.js", "networks.js", "draw.js"),
        styles=("draw.css",),
    ),
)


def page(
    name: str,
    groups: Sequence[Replicates],
    records: Sequence[Record],
    drawn: Drawing | None = None,
    lessons: object = None,
) -> bytes:
    """The page of a folder; the same records give the same bytes.

    Args:
        name: of the folder.
        groups: its runs, at least one group, with the evidence that lies beside them.
        records: the same runs, one by one.
        drawn: the networks that read what is drawn on the page; None: nothing can be drawn.
        lessons: what the lessons' tab carries, as msgspec writes it; None: there is no such tab.
    """
    import jinja2  # late: the report has other things to do first

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    content = {"results": embedded(name, groups, GLOSSARY), "lessons": lessons, "draw": drawn}
    tabs = [tab for tab in TABS if content[tab.key] is not None]
    safe = environment.filters["safe"]  # of our own files, and of base64
    scripts = [vega.script(), *(_file(script) for tab in tabs for script in tab.scripts)]
    html = environment.get_template("page.html").render(
        name=name,
        top=top(groups, records),
        glossary=GLOSSARY,
        drawn=drawn,
        lessons=lessons,
        tabs=tabs,
        style=safe("".join(_file(style) for tab in tabs for style in tab.styles)),
        data={tab.key: safe(packed(msgspec.json.encode(content[tab.key]))) for tab in tabs},
        scripts=[safe(packed(script.encode())) for script in scripts],
        unpack=safe(_file("unpack.js")),
    )
    return html.encode()


def packed(content: bytes) -> str:
    """Deflated, in base64, as ``unpack.js`` reads it."""
    return base64.b64encode(zlib.compress(content, 9)).decode()


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")
