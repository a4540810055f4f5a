"""The confusion matrix of one model: as a picture whose errors are not drowned, and in full."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from bench.report import wording
from bench.report.plots import style
from bench.study import thumbnails
from bench.study.answered import Answered
from bench.study.artifact import Picture, Sheet
from bench.study.per_class import Counts, confusion

TOP, BOTTOM = 0.88, 0.11  # of the slide's height: where the matrix begins and ends
ROOM = 55  # letters below a square matrix, and half of those below a wide one
SQUARE = 12  # classes up to which cells are square; more need the whole width for their numbers
SMALLEST = 8.0  # points: smaller numbers cannot be read, and are left to the colour bar
LINE = 0.62  # height of a number, as a share of its cell's


def summed(model: Answered) -> Counts:
    """The matrix of all seeds added up: rows are the truth, columns what was said."""
    parts = [confusion(s.labels, s.predicted, s.logits.shape[1]) for s in model.said.values()]
    return np.asarray(np.sum(parts, axis=0))


def picture(model: Answered, names: Sequence[str], what: str) -> Picture:
    """Counts in the cells, colour of the errors alone."""
    matrix, seeds = summed(model), wording.counted(len(model.said), "seed")
    title = f"What is taken for what: {model.title}, {what}"
    with style.applied():
        figure = thumbnails.slide(title, f"Test images, added up over {seeds}; rows: the truth")
        axes = _axes(figure, names)
        errors = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
        most = max(2, int(errors.max()))
        image = axes.imshow(
            np.ma.masked_equal(errors, 0), cmap="Oranges", norm=LogNorm(0.5, most), aspect="auto"
        )
        size = min(15.0, LINE * _cell(names))
        _label(axes, names, size)
        if size >= SMALLEST:
            _write_counts(axes, matrix, most, size)
        else:
            _colour_bar(figure, axes, image)
    return Picture(
        name=f"confusion_{model.name}",
        title=title,
        caption=(
            "Rows are the truth, columns what the model says; numbers count test images, "
            f"added up over {seeds}. Only errors are coloured, on a logarithmic scale, so that "
            "the diagonal, which is right, does not drown them; an empty cell never happened."
        ),
        figure=figure,
    )


def sheet(model: Answered, names: Sequence[str], what: str) -> Sheet:
    """The same numbers, a row a true class."""
    columns = [f"said {name}" for name in names]
    frame = pd.DataFrame(summed(model), columns=columns)
    frame.insert(0, "truth", list(names))
    seeds = wording.counted(len(model.said), "seed")
    return Sheet(
        name=f"confusion_{model.name}",
        title=f"Confusion matrix: {model.title}, {what}",
        caption=f"Test images by their class and by what the model says, added up over {seeds}.",
        frame=frame,
        formats=dict.fromkeys(columns, ",d"),
    )


def _axes(figure: Figure, names: Sequence[str]) -> Axes:
    bottom, height = _bottom(names), TOP - _bottom(names)
    if len(names) <= SQUARE:
        width = height * style.HEIGHT / style.WIDTH
        return figure.add_axes((0.5 - width / 2, bottom, width, height))
    return figure.add_axes((0.1, bottom, 0.84, height))


def _upright(names: Sequence[str]) -> bool:
    """Whether names below the matrix would run into each other side by side."""
    room = ROOM if len(names) <= SQUARE else 2 * ROOM
    return max(map(len, names)) > room // len(names)


def _bottom(names: Sequence[str]) -> float:
    """Of the slide's height; upright names reach further down."""
    return BOTTOM if not _upright(names) else min(0.3, 0.08 + 0.015 * max(map(len, names)))


def _cell(names: Sequence[str]) -> float:
    """The height of a cell, points."""
    return 72 * style.HEIGHT * (TOP - _bottom(names)) / len(names)


def _label(axes: Axes, names: Sequence[str], size: float) -> None:
    places, size = range(len(names)), max(size, 7.0)
    axes.set_xticks(places, names, fontsize=size, rotation=90 if _upright(names) else 0)
    axes.set_yticks(places, names, fontsize=size)
    axes.set_xlabel("said")
    axes.set_ylabel("truth")
    axes.grid(False)
    axes.set_xticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.set_yticks(np.arange(len(names) - 1) + 0.5, minor=True)
    axes.grid(which="minor", color="0.92", linewidth=0.6)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes: Axes, matrix: Counts, most: int, size: float) -> None:
    for (row, column), count in np.ndenumerate(matrix):
        if not count:
            continue
        error = row != column
        axes.text(
            column,
            row,
            f"{count:,}",
            ha="center",
            va="center",
            fontsize=size,
            color="white" if error and count > most / 3 else "black" if error else "0.45",
            fontweight="bold" if error else "normal",
        )


def _colour_bar(figure: Figure, axes: Axes, image: AxesImage) -> None:
    bar = figure.colorbar(image, ax=axes, fraction=0.03, pad=0.01)
    bar.ax.set_ylabel("errors, test images (log scale)")
    style.log_ticks(bar.ax.yaxis)
