"""Puts ``index.html`` of a results folder together: everything inline, so that a double click
opens it without a network.

Records are other people's files. What comes from them is escaped where it stands in the HTML, and
stands in the data as JSON in which no ``<`` is left; the scripts write it as text alone.
"""

from __future__ import annotations

from collections.abc import Sequence
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
# In the order in which the page runs them, after Vega.
SCRIPTS = ("statistics.js", "wording.js", "selection.js", "chart.js", "view.js")
DRAWN_SCRIPTS = ("ink.js", "networks.js", "draw.js")  # after them, where there are saved models


def page(
    name: str,
    groups: Sequence[Replicates],
    records: Sequence[Record],
    drawn: Drawing | None = None,
) -> bytes:
    """The page of a folder; the same records give the same bytes.

    Args:
        name: of the folder.
        groups: its runs, at least one group, with the evidence that lies beside them.
        records: the same runs, one by one.
        drawn: the networks that read what is drawn on the page; None: nothing can be drawn.
    """
    import jinja2  # late: the report has other things to do first

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    scripts = (*SCRIPTS, *(DRAWN_SCRIPTS if drawn else ()))
    template = environment.from_string(_file("page.html"))
    safe = environment.filters["safe"]  # of our own files, and of the JSON, which is escaped here
    html = template.render(
        name=name,
        top=top(groups, records),
        glossary=GLOSSARY,
        drawn=drawn,
        drawn_data=safe(_json(drawn)),
        style=safe(_file("style.css") + (_file("draw.css") if drawn else "")),
        data=safe(_json(embedded(name, groups, GLOSSARY))),
        scripts=[safe(vega.script()), *(safe(_file(script)) for script in scripts)],
    )
    return html.encode()


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _json(content: object) -> str:
    """JSON that cannot end the element it stands in."""
    return msgspec.json.encode(content).decode().replace("<", "\\u003c")
