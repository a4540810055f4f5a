"""Puts ``index.html`` of a results folder together: everything inline, so that a double click
opens it without a network.

Records are other people's files. What comes from them is escaped where it stands in the HTML, and
stands in the data as deflated JSON in base64; the scripts write it as text alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench.report.web import vega
from bench.report.web.data import embedded
from bench.report.web.drawn import Drawing
from bench.report.web.glossary import GLOSSARY
from bench.report.web.known import MOST_FILES, known
from bench.report.web.pictures import Plotted, packed, pictures
from bench.report.web.top import top
from bench.results.record import Record
from bench.stats.runs import Replicates

NAME = "index.html"
HERE = Path(__file__).parent
MOST_BYTES = 2_000_000  # of the page: pictures that are too many are left out
REST = 150_000  # bytes of it, at most, for markup, styles and its own scripts


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One part of the page; its markup is ``KEY.html``, its data ``glyphbench.content[KEY]``."""

    key: str
    title: str
    scripts: tuple[str, ...] = ()  # in the order in which the page runs them, after Vega
    styles: tuple[str, ...] = ()


RESULTS = ("tabs.js", "statistics.js", "wording.js", "selection.js", "chart.js", "view.js")
CLASS = (
    *("shared.js", "runs.js", "laptops.js", "beside.js", "predictions.js"),
    *("charts.js", "class.js"),
)
# In their order on the page. One without data is left out.
TABS = (
    Tab(key="results", title="Results", scripts=RESULTS, styles=("style.css",)),
    Tab(key="lessons", title="Lessons", scripts=("lessons.js",), styles=("lessons.css",)),
    Tab(
        key="draw",
        title="Drawn by hand",
        scripts=("ink.js", "networks.js", "draw.js", "train.js"),
        styles=("draw.css",),
    ),
    Tab(key="pictures", title="Pictures", scripts=("pictures.js",)),
    Tab(key="class", title="Class", scripts=CLASS),
)


def page(
    name: str,
    groups: Sequence[Replicates],
    records: Sequence[Record],
    drawn: Drawing | None = None,
    lessons: object = None,
    plots: tuple[Path, Sequence[Sequence[Plotted]]] | None = None,
) -> bytes:
    """The page of a folder; the same records give the same bytes.

    Args:
        name: of the folder.
        groups: its runs, at least one group, with the evidence that lies beside them.
        records: the same runs, one by one.
        drawn: the networks that read what is drawn on the page; None: nothing can be drawn.
        lessons: what the lessons' tab carries, as msgspec writes it; None: there is no such tab.
        plots: the folder of plots, and the pages of each that was drawn; None: none was.

    Raises:
        OSError: where a plot cannot be read.
    """
    import jinja2  # late: the report has other things to do first

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    results = embedded(name, groups, GLOSSARY)
    parts = {
        "results": results,
        "lessons": lessons,
        "draw": drawn,
        "class": known(max(results.constants.tail)),
    }
    data = {key: _json(part) for key, part in parts.items() if part is not None}
    library = packed(vega.script().encode())
    room = MOST_BYTES - REST - sum(map(len, (library, *data.values())))
    plates = pictures(*plots, room) if plots else None
    if plates:
        data["pictures"] = _json([image for _, image in plates.shown])
    tabs = [tab for tab in TABS if tab.key in data]
    own = [_file(script) for tab in tabs for script in tab.scripts]
    safe = environment.filters["safe"]  # of our own files, and of base64
    html = environment.get_template("page.html").render(
        name=name,
        top=top(groups, records),
        glossary=GLOSSARY,
        drawn=drawn,
        lessons=lessons,
        pictures=plates,
        most_files=MOST_FILES,
        tabs=tabs,
        style=safe("".join(_file(style) for tab in tabs for style in tab.styles)),
        data={key: safe(part) for key, part in data.items()},
        scripts=[safe(library), *(safe(packed(script.encode())) for script in own)],
        unpack=safe(_file("unpack.js")),
    )
    return html.encode()


def _file(name: str) -> str:
    return (HERE / name).read_text(encoding="utf-8")


def _json(content: object) -> str:
    return packed(msgspec.json.encode(content))
