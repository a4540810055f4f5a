"""Pictures that are made alike in all steps: charts, and slides of small images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.plots import layout, style
from bench.study.artifact import Picture
from datasets import Dataset

WRONG = "#D55E00"  # Okabe and Ito's vermilion; the frame and a cross say the same without colour
ROW_NAME = 0.16  # width of what stands left of a row of images, as a share of the slide's
SIDE, GAP = 28, 2  # pixels of an image, and white ones between two of a mosaic


def chart(
    figure: Figure,
    notes: Sequence[str],
    *,
    name: str,
    title: str,
    caption: str,
    finding: str = "",
    main: bool = False,
) -> Picture:
    """A page of panels (``style.page``) that are drawn, with its title, notes and legend.

    ``finding``: what it shows, to stand above its title; empty: nothing in particular.
    """
    style.frame(figure, figure.axes, finding or title, [title, *notes] if finding else notes)
    return Picture(name=name, title=title, caption=caption, figure=figure, main=main)


def slide() -> Figure:
    """An empty slide; ``titled`` finishes it."""
    return Figure(figsize=(style.WIDTH, style.HEIGHT))


def titled(
    figure: Figure,
    note: str,
    *,
    name: str,
    title: str,
    caption: str,
    finding: str = "",
    main: bool = False,
) -> Picture:
    """A slide that is drawn, with its title and the note below it; ``finding``: as of ``chart``."""
    head, below = finding or title, f"{title}: {note}" if finding else note
    across = 72 * (style.WIDTH - 2 * style.EDGE)
    size = fitting([head], across, 20, bold=True)
    figure.text(0.5, 0.985, head, ha="center", va="top", fontsize=size, fontweight="bold")
    figure.text(0.5, 0.925, below, ha="center", va="top", fontsize=fitting([below], across, 13))
    return Picture(name=name, title=title, caption=caption, figure=figure, main=main)


def image_slide(
    *,
    name: str,
    title: str,
    caption: str,
    note: str,
    images: Sequence[NDArray[np.uint8] | None] | NDArray[np.uint8],
    lines: Sequence[str],
    columns: int,
    wrong: Sequence[bool] | NDArray[np.bool_] = (),
    row_names: Sequence[str] = (),
    size: float = 15,
) -> Picture:
    """A slide of images in rows of ``columns``, each above its line; wrong ones are framed.

    Args:
        name: of its file.
        title: above it.
        caption: how to read it.
        note: below the title.
        images: each (28, 28); None leaves its place empty.
        lines: one an image.
        columns: images in a row.
        wrong: which images are; empty: none.
        row_names: what stands left of each row; empty: nothing.
        size: of the lines' letters, at most, in points.
    """
    rows = -(-len(images) // columns)
    left = ROW_NAME if row_names else 0.02
    size = fitting(lines, (0.95 - left) * 72 * style.WIDTH / columns, size)
    deepest = max((line.count("\n") for line in lines), default=0)  # below the last row
    figure = slide()
    cells = figure.subplots(rows, columns, squeeze=False).ravel()
    figure.subplots_adjust(
        left=left,
        right=0.98,
        bottom=0.045 + style.LINE * deepest,
        top=0.87,
        hspace=0.35 + 0.2 * deepest,
        wspace=0.1,
    )
    for axes, row_name in zip(cells[::columns], row_names, strict=False):
        middle = axes.get_position().intervaly.mean()
        figure.text(0.01, middle, row_name, fontsize=13, va="center")
    for axes, image, line in zip_longest(cells, images, lines):
        if image is None:
            axes.remove()
        else:
            show(axes, image)
            axes.set_xlabel(line, fontsize=size)
    for axes in cells[np.flatnonzero(wrong)]:
        _mark_as_wrong(axes)
    return titled(figure, note, name=name, title=title, caption=caption)


def columns_for(images: int, most: int) -> int:
    """In how many columns so many images are largest on a slide; ``most``: of them."""
    high, wide = 0.87 * style.HEIGHT, 0.96 * style.WIDTH
    return max(
        range(1, most + 1), key=lambda columns: min(wide / columns, high / -(-images // columns))
    )


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
    axes.spines[:].set_visible(False)
    size = min(size, 0.6 * 72 * style.HEIGHT * area[3] / rows)
    size = fitting(below, 72 * style.WIDTH * area[2] / columns, size)
    middle = np.arange(max(rows, columns)) * cell + SIDE / 2
    axes.set_yticks(middle[: len(left)], left, fontsize=size)
    axes.set_xticks(middle[: len(below)], below, fontsize=size)
    axes.tick_params(length=0)


def fitting(words: Sequence[str], width: float, size: float, *, bold: bool = False) -> float:
    """The font size, at most ``size``, at which all lines of the words are no wider than that.

    Points, both. Words of a user's own classes can be long.
    """
    lines = {line for word in words for line in word.splitlines()}
    longest = 72 * max((layout.width(line, size, bold=bold) for line in lines), default=0)
    return size * min(1, width / longest) if longest else size


def show(axes: Axes, image: NDArray[np.uint8]) -> None:
    """One image, white on black as the data has it, without axes."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.grid(False)


def _mark_as_wrong(axes: Axes) -> None:
    """A thick frame, and a cross in the corner."""
    axes.spines[:].set(visible=True, color=WRONG, linewidth=4)
    axes.text(26, 4, "✗", color=WRONG, fontsize=17, ha="right", va="center", fontweight="bold")


def crowded(names: Sequence[str], share: float = 1) -> bool:
    """Whether names side by side below an axis of this share of a slide's width would touch."""
    widest = max(map(layout.width, names)) + 0.08  # inches between two
    return widest * len(names) > 0.92 * share * style.WIDTH


def name_classes(axes: Axes, names: Sequence[str]) -> None:
    """Name the classes below a slide-wide axis; upright where they would touch."""
    axes.set_xticks(range(len(names)), names, rotation=90 if crowded(names) else 0)


def of_several_classes(dataset: Dataset, count: int) -> NDArray[np.int64]:
    """Rows of the first training image of each of ``count`` classes at most, spread over all."""
    _, first = np.unique(dataset.train.labels, return_index=True)
    return first[np.linspace(0, len(first) - 1, min(count, len(first))).round().astype(np.int64)]
