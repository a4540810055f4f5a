"""Grids of small images, each with a line below it: drawn alike in all steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.plots import style

WRONG = "#D55E00"  # Okabe and Ito's vermilion; the frame and a cross say the same without colour
CHARACTER = 0.62  # mean width of a letter, as a share of the font's size
SIDE, GAP = 28, 2  # pixels of an image, and white ones between two of a mosaic
TITLE_SHARE, NOTE_SHARE = 0.985, 0.925  # heights of title and note on the slide


def slide(title: str, note: str) -> Figure:
    """An empty slide with its title and a line below it. To be called within ``style.applied``."""
    figure = Figure(figsize=(style.WIDTH, style.HEIGHT))
    FigureCanvasAgg(figure)
    figure.text(0.5, TITLE_SHARE, title, ha="center", va="top", fontsize=20, fontweight="bold")
    figure.text(0.5, NOTE_SHARE, note, ha="center", va="top", fontsize=13)
    return figure


def grid(
    figure: Figure,
    images: Sequence[NDArray[np.uint8]],
    lines: Sequence[str],
    *,
    columns: int,
    wrong: Sequence[bool] | None = None,
    size: float = 12,
) -> None:
    """Images in rows of ``columns`` below the note, each with its line; wrong ones are framed."""
    rows = -(-len(images) // columns)
    size = fitting(lines, 0.93 * 72 * style.WIDTH / columns, size)
    deepest = max((line.count("\n") for line in lines), default=0)  # below the last row
    cells = figure.subplots(
        rows,
        columns,
        squeeze=False,
        gridspec_kw={
            "left": 0.02,
            "right": 0.98,
            "bottom": 0.045 + style.LINE * deepest,
            "top": 0.87,
            "hspace": 0.35,
            "wspace": 0.1,
        },
    )
    for place, axes in enumerate(cells.flat):
        if place >= len(images):
            axes.set_axis_off()
            continue
        show(axes, images[place])
        axes.set_xlabel(lines[place], fontsize=size)
        if wrong is not None and wrong[place]:
            frame(axes)


def mosaic(
    figure: Figure,
    area: tuple[float, float, float, float],
    images: Sequence[Sequence[NDArray[np.uint8] | None]],
    *,
    rows: int,
    columns: int,
    left: Sequence[str] = (),
    below: Sequence[str] = (),
    size: float = 16,
) -> None:
    """Many images close together: one picture, with words left of rows or below columns.

    ``area``: left, bottom, width and height on the slide, without the words. Places without an
    image stay white. ``size``: of words, at most; they shrink with rows and columns.
    """
    cell = SIDE + GAP
    canvas = np.full((rows * cell - GAP, columns * cell - GAP), 255, np.uint8)
    for row, strip in enumerate(images):
        for column, image in enumerate(strip):
            if image is not None:
                canvas[row * cell :, column * cell :][:SIDE, :SIDE] = image
    axes = figure.add_axes(area, anchor="N")
    show(axes, canvas)
    for side in axes.spines.values():
        side.set_visible(False)
    size = min(size, 0.6 * 72 * style.HEIGHT * area[3] / rows)
    size = fitting(below, 72 * style.WIDTH * area[2] / columns, size)
    middle = np.arange(max(rows, columns)) * cell + SIDE / 2
    axes.set_yticks(middle[: len(left)], left, fontsize=size)
    axes.set_xticks(middle[: len(below)], below, fontsize=size)
    axes.tick_params(length=0)


def fitting(words: Sequence[str], width: float, size: float) -> float:
    """The font size, at most ``size``, at which all lines of the words are no wider than that.

    Points, both. Words of a user's own classes can be long.
    """
    longest = max((len(line) for word in words for line in word.splitlines()), default=0)
    return min(size, width / (CHARACTER * longest)) if longest else size


def show(axes: Axes, image: NDArray[np.uint8]) -> None:
    """One image, white on black as the data has it, without axes."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def frame(axes: Axes) -> None:
    """Mark an image as got wrong: a thick frame, and a cross in its corner."""
    for side in axes.spines.values():
        side.set(visible=True, color=WRONG, linewidth=4)
    axes.text(26, 4, "✗", color=WRONG, fontsize=17, ha="right", va="center", fontweight="bold")
