"""How plots look: sizes for a projector, colours for the colour-blind, shapes for grey print.

Uses matplotlib's objects without pyplot, so that no window system and no state is needed.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.report import wording
from bench.run_statistics import Replicates

SETTINGS: dict[Any, Any] = {
    "figure.dpi": 120,
    "savefig.dpi": 120,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters on every machine
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.labelsize": 13,
    "axes.grid": True,
    "grid.color": "0.88",
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2.2,
    "lines.markersize": 8,
    "hatch.linewidth": 1.0,
    "svg.fonttype": "none",  # text stays text: it can be searched and read aloud
    "svg.hashsalt": "glyphbench",  # the same records give the same bytes
}
LINE = 0.029  # height of a line of text, as a share of the page's
LEGEND_COLUMNS = 5
MARKERS = 24  # on a line, at most: more would hide it
PLAIN = FuncFormatter(lambda value, _: f"{value:,g}")  # thousands apart, no exponent
WIDTH, HEIGHT = 16.0, 9.0  # inches: 1,920 x 1,080 at 120 dots an inch, a projected slide


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one series is told from the others, by more than its colour."""

    colour: str
    marker: str
    line: str | tuple[int, tuple[int, ...]]
    hatch: str


# Okabe and Ito, 'Color Universal Design' (2008), without yellow, which is lost on white
LOOKS = (
    Look(colour="#0072B2", marker="o", line="-", hatch=""),
    Look(colour="#E69F00", marker="s", line="--", hatch="//"),
    Look(colour="#009E73", marker="^", line="-.", hatch=".."),
    Look(colour="#D55E00", marker="D", line=":", hatch="xx"),
    Look(colour="#56B4E9", marker="v", line=(0, (6, 2, 1, 2, 1, 2)), hatch="\\\\"),
    Look(colour="#CC79A7", marker="P", line=(0, (10, 3)), hatch="++"),
    Look(colour="#000000", marker="X", line=(0, (1, 1)), hatch="oo"),
)
Palette = Mapping[str, Look]


def palette(groups: Sequence[Replicates]) -> Palette:
    """A look for each framework and execution, the same in every plot of a folder."""
    names = sorted({wording.framework(group.experiment) for group in groups})
    return {name: LOOKS[index % len(LOOKS)] for index, name in enumerate(names)}


@contextmanager
def applied() -> Iterator[None]:
    """Within, figures are made and written in this style; the caller's settings come back."""
    with matplotlib.rc_context(SETTINGS):
        yield


def page(panels: int) -> tuple[Figure, list[Axes]]:
    """A slide with so many panels, two to a row, or three from five panels on."""
    columns = min(panels, 2) if panels < 5 else 3
    rows = -(-panels // columns)
    figure = Figure(figsize=(WIDTH, HEIGHT))
    FigureCanvasAgg(figure)
    grid = [figure.add_subplot(rows, columns, place + 1) for place in range(panels)]
    return figure, grid


def frame(figure: Figure, grid: Sequence[Axes], title: str, notes: Sequence[str]) -> None:
    """Title and notes above the panels, one legend below them, the panels in what is left."""
    figure.text(0.5, 0.985, title, ha="center", va="top", fontsize=20, fontweight="bold")
    figure.text(0.5, 0.935, "\n".join(notes), ha="center", va="top", fontsize=13, linespacing=1.3)
    top = 0.925 - LINE * len(notes)
    bottom = LINE * _legend(figure, grid)
    figure.set_layout_engine(
        ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.12, rect=(0, bottom, 1, top - bottom))
    )


def _legend(figure: Figure, grid: Sequence[Axes]) -> float:
    """One legend for all panels, each name once; return the lines it takes."""
    named = {}
    for axes in grid:
        handles, labels = axes.get_legend_handles_labels()
        named.update(dict(zip(labels, handles, strict=True)))
    if not named:
        return 0
    rows = -(-len(named) // LEGEND_COLUMNS)
    figure.legend(
        named.values(),
        named.keys(),
        loc="lower center",
        ncols=-(-len(named) // rows),
        frameon=False,
        handlelength=3.5,
    )
    return rows + 0.4


def log_ticks(axis: Axis) -> None:
    """Ticks of a logarithmic axis at 1, 2 and 5 of each power of ten, in plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(PLAIN)
    axis.set_minor_formatter(NullFormatter())


def png(figure: Figure) -> bytes:
    """The figure as PNG."""
    return _saved(figure, "png")


def svg(figure: Figure) -> bytes:
    """The figure as SVG, without a date, so that the same records give the same bytes."""
    return _saved(figure, "svg", {"Date": None})


def _saved(figure: Figure, form: str, metadata: dict[str, None] | None = None) -> bytes:
    out = io.BytesIO()
    with applied():
        figure.savefig(out, format=form, metadata=metadata)
    return out.getvalue()
