"""What keeps words whole and apart: text is measured, panels are placed, lines are named."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.transforms import offset_copy

FAMILY = "DejaVu Sans"  # comes with matplotlib: the same letters on every machine

# Words

MEASURED_AT = 20.0  # points
UNBROKEN = re.compile(r"\s+(?!(?:s|ms|%|±|→)(?:\W|$))\s*")  # not between a number and its unit


def width(words: str, size: float = 13, *, bold: bool = False) -> float:
    """Inches that one line of words is wide; ``size``: of its letters, in points."""
    listed = words.split(" ")
    gaps = (len(listed) - 1) * _word_width(" ", bold)
    return size / MEASURED_AT * (gaps + sum(_word_width(word, bold) for word in listed))


@cache  # the same words come again on every page
def _word_width(word: str, bold: bool) -> float:
    font = FontProperties(family=FAMILY, size=MEASURED_AT, weight="bold" if bold else "normal")
    points, _, _ = text_to_path.get_text_width_height_descent(word, font, False)
    return points / 72


def wrapped(words: str, across: float, size: float = 13, *, bold: bool = False) -> list[str]:
    """The words in as few lines as fit so many inches, all of about one length.

    A word that is wider has a line of its own.
    """
    fewest = _broken(words, across, size, bold)
    for share in (0.55, 0.65, 0.75, 0.85):  # the narrowest that needs no line more
        narrower = _broken(words, across * share, size, bold) if len(fewest) > 1 else fewest
        if len(narrower) == len(fewest):
            return narrower
    return fewest


def _broken(words: str, across: float, size: float, bold: bool) -> list[str]:
    lines: list[str] = []
    for word in filter(None, UNBROKEN.split(words)):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold=bold) <= across:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


# Panels

TITLE_SIZE = 14  # points, of a panel's title
PAD = 0.12  # inches between what stands at two panels, and at the edges of the slide


def place(figure: Figure, bottom: float, top: float) -> None:
    """Place the panels between, with room for what stands at their axes.

    In one look at them: matplotlib's own layouts take several, which was a quarter of the time of a
    large report. A title that is wider than its panel is moved aside rather than out of its column.

    ``bottom``, ``top``: shares of the slide's height.
    """
    placed = [(axes, spec) for axes in figure.axes if (spec := axes.get_subplotspec())]
    rows, columns, *_ = placed[0][1].get_geometry()
    for axes, spec in placed:  # about where they will be, which decides
        row, column = spec.rowspan.start, spec.colspan.start  # how many ticks there are
        axes.set_position(
            (
                (column + 0.14) / columns,
                bottom + (top - bottom) * (rows - row - 1 + 0.2) / rows,
                0.82 / columns,
                (top - bottom) * 0.64 / rows,
            )
        )
    canvas = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    left, right = np.zeros((2, columns))
    below, above = np.zeros((2, rows))
    for axes, spec in placed:
        row, column = spec.rowspan.start, spec.colspan.start
        inner = axes.bbox
        outer = axes.get_tightbbox(renderer, for_layout_only=True) or inner
        left[column] = max(left[column], inner.x0 - outer.x0)
        right[column] = max(right[column], outer.x1 - inner.x1)
        below[row] = max(below[row], inner.y0 - outer.y0)
        above[row] = max(above[row], outer.y1 - inner.y1)
    whole, pad = figure.bbox, PAD * figure.dpi
    wide = (whole.width - sum(left) - sum(right) - 2 * pad * columns) / columns
    high = ((top - bottom) * whole.height - sum(below) - sum(above) - 2 * pad * rows) / rows
    for axes, spec in placed:
        row, column = spec.rowspan.start, spec.colspan.start
        x = sum(left[: column + 1]) + sum(right[:column]) + pad * (2 * column + 1) + wide * column
        y = top * whole.height - sum(above[: row + 1]) - sum(below[:row])
        y -= pad * (2 * row + 1) + high * (row + 1)
        axes.set_position(
            (x / whole.width, y / whole.height, wide / whole.width, high / whole.height)
        )
        lines = axes.get_title().splitlines()
        half = figure.dpi * max((width(line, TITLE_SIZE) for line in lines), default=0) / 2
        leftmost, rightmost = half - left[column], wide + right[column] - half
        axes.title.set_x(max(min(wide / 2, rightmost), leftmost) / wide)


# The names of lines, at their ends


@dataclass(frozen=True, kw_only=True)
class End:
    """Where a line of a plot ends, and what it is."""

    x: float
    y: float
    colour: str
    marker: str
    label: str


LABEL_SIZE = 12  # points, of what stands at a line's end
LABEL_GAP = 1.35  # between the middles of two labels, as a share of their size
MARK, LABEL = 14, 25  # points right of a panel at which a line's mark and its label begin


def label_ends(axes: Axes, ends: Sequence[End]) -> None:
    """Each line's name right of the panel, at the height of its end, and a thin line to it.

    Names that would cover each other are moved apart. To be called when the axes' limits stand.
    """
    axes.set(xlim=axes.get_xlim(), ylim=axes.get_ylim())  # no longer left to what is drawn
    ordered = sorted(ends, key=lambda end: end.y)
    to_axes = axes.transScale + axes.transLimits
    wanted = [float(to_axes.transform((end.x, end.y))[1]) for end in ordered]
    spec = axes.get_subplotspec()
    inches = 7.4 / (spec.get_geometry()[0] if spec else 1) - 1.4  # of a panel, about
    gap = LABEL_GAP * LABEL_SIZE / 72 / inches
    at_mark, at_label = (
        offset_copy(axes.transAxes, axes.get_figure(root=True), x=points, y=0, units="points")
        for points in (MARK, LABEL)
    )
    for end, height in zip(ordered, spread(wanted, gap), strict=True):
        axes.annotate(
            end.label,
            (end.x, end.y),
            (1, height),
            textcoords=at_label,
            va="center",
            fontsize=LABEL_SIZE,
            annotation_clip=False,
            arrowprops={
                "arrowstyle": "-",
                "color": end.colour,
                "linewidth": 1,
                "relpos": (0, 0.5),
                "shrinkA": LABEL - MARK,
                "shrinkB": 3,
            },
        )
        axes.plot(1, height, end.marker, color=end.colour, transform=at_mark, clip_on=False)


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Ascending heights moved as little as it takes that no two are nearer than ``gap``.

    Those that touch are pushed apart about their middle, as one block.
    """
    blocks: list[list[float]] = []  # of each the heights that are wanted in it
    for height in heights:
        blocks.append([height])
        while len(blocks) > 1 and _lowest(blocks[-1], gap) < _lowest(blocks[-2], gap) + gap * len(
            blocks[-2]
        ):
            last = blocks.pop()
            blocks[-1] += last
    return [_lowest(block, gap) + gap * number for block in blocks for number in range(len(block))]


def _lowest(block: Sequence[float], gap: float) -> float:
    return sum(block) / len(block) - gap * (len(block) - 1) / 2
