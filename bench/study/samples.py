"""Pictures of the training images: some of each class, one in numbers, means, suspects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bench.report.plots import style
from bench.study import thumbnails
from bench.study.artifact import Picture
from bench.study.pixels import Images, mean_and_spread
from bench.study.suspects import NEIGHBOURS, Suspect
from datasets import Dataset

HEIGHT, WIDTH = 7.6, 15.2  # inches that images have, below title and note
SEED = 0  # of the draw of samples
LARGE = 0  # the training image whose pixels are written out
BRIGHT = 110  # pixels from here on bear black numbers
SUSPECTS = 12  # shown, two a row

Rows = Sequence[Sequence[Images | None]]


def samples(data: Dataset, what: str) -> Picture:
    """As many training images of each class as a slide holds, drawn at random."""
    names, title = data.class_names, f"Samples of {what}"
    blocks = 1 if len(names) <= 13 else 2 if len(names) <= 30 else 3
    lines = max(1, 10 // len(names))  # of each class
    rows = -(-len(names) // blocks) * lines
    margin = min(2.0, 0.4 + 0.12 * max(map(len, names)))  # inches, for the names
    across = int((WIDTH / blocks - margin) / (HEIGHT / rows))
    chosen = [_drawn(data, label, across * lines) for label in range(len(names))]
    strips: list[Sequence[Images | None]] = [
        images[line * across : (line + 1) * across] for images in chosen for line in range(lines)
    ]
    labels = [name if line == 0 else "" for name in names for line in range(lines)]
    with style.applied():
        figure = thumbnails.slide(
            title,
            f"Training images drawn at random, {across * lines} of each class where it has them",
        )
        size = thumbnails.fitting(names, 72 * (margin - 0.1), 16)
        for block in range(blocks):
            part = slice(block * rows, (block + 1) * rows)
            left = 0.01 + block * 0.98 / blocks + margin / style.WIDTH
            area = (left, 0.02, across * HEIGHT / rows / style.WIDTH, 0.86)
            thumbnails.mosaic(
                figure, area, strips[part], rows=rows, columns=across, left=labels[part], size=size
            )
    return Picture(
        name="samples",
        title=title,
        caption=(
            "Training images, a class a row, drawn at random with a fixed seed; white on black, as "
            "networks are given them. Look for classes that are written in several ways, and for "
            "images that you would label otherwise."
        ),
        figure=figure,
    )


def _drawn(data: Dataset, label: int, count: int) -> list[Images]:
    own = np.flatnonzero(data.train.labels == label)
    drawn = np.random.default_rng(SEED).permutation(own)[:count]
    return [np.asarray(data.train.images[row]) for row in drawn]


def in_numbers(data: Dataset, what: str) -> Picture:
    """One training image with the value of every pixel written in it."""
    image = np.asarray(data.train.images[LARGE])
    label = data.class_names[data.train.labels[LARGE]]
    title = f"One image of {what}, pixel by pixel"
    with style.applied():
        figure = thumbnails.slide(title, f"The first training image, labelled {label}")
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
        thumbnails.show(axes, image)
        axes.set_aspect("auto")
        for (row, column), value in np.ndenumerate(image):
            colour = "black" if value >= BRIGHT else "white" if value else "0.5"
            axes.text(column, row, str(value), ha="center", va="center", fontsize=12, color=colour)
    return Picture(
        name="pixels",
        title=title,
        caption=(
            "What a network is given: 28 by 28 numbers from 0 (black) to 255 (white), and nothing "
            "else. The picture is stretched so that the numbers can be read."
        ),
        figure=figure,
    )


def means(data: Dataset, what: str) -> Picture:
    """Mean image and standard deviation of each pixel, class by class."""
    names, title = data.class_names, f"Mean and spread of each class, {what}"
    blocks = 1 if len(names) <= 5 else 2 if len(names) <= 30 else 3
    across = -(-len(names) // blocks)
    pairs = [_mean_and_spread(data, label) for label in range(len(names))]
    with style.applied():
        figure = thumbnails.slide(
            title, "Training images; above the mean, below the standard deviation, twice as bright"
        )
        for block in range(blocks):
            part = slice(block * across, (block + 1) * across)
            area = (0.02, 0.06 + 0.83 * (blocks - 1 - block) / blocks, 0.96, 0.83 / blocks - 0.05)
            rows: Rows = [*zip(*pairs[part], strict=True)]
            thumbnails.mosaic(figure, area, rows, rows=2, columns=across, below=names[part])
    return Picture(
        name="means",
        title=title,
        caption=(
            "The mean of the training images of each class, and below it how much each pixel "
            "varies among them (standard deviation). A sharp mean is a class that is always "
            "written alike; where the spread is bright, hands differ. Two classes with similar "
            "means are told apart by little."
        ),
        figure=figure,
    )


def _mean_and_spread(data: Dataset, label: int) -> tuple[Images | None, Images | None]:
    own = np.flatnonzero(data.train.labels == label)
    if not len(own):
        return None, None
    mean, spread = mean_and_spread(data.train.images[own])
    return _as_image(mean), _as_image(2 * spread)


def _as_image(values: NDArray[np.float64]) -> Images:
    return np.clip(values.round(), 0, 255).astype(np.uint8)


def suspicious(data: Dataset, found: Sequence[Suspect], what: str) -> Picture:
    """The most suspicious labels, each image beside its neighbours."""
    shown, title = found[:SUSPECTS], f"Suspicious labels of {what}"
    with style.applied():
        figure = thumbnails.slide(
            title,
            f"{len(shown)} of {len(found):,}: each framed image, then its {NEIGHBOURS} nearest "
            "neighbours; below: labels",
        )
        _with_neighbours(figure, shown, data.class_names)
    return Picture(
        name="suspects",
        title=title,
        caption=(
            f"Framed: training and validation images whose {NEIGHBOURS} nearest neighbours are all "
            "of one other class, those first that are nearest to them beside the nearest of their "
            "own class; after each, those neighbours. Some labels are wrong, some images are "
            "written so that they could be either. None was removed."
        ),
        figure=figure,
    )


def _with_neighbours(figure: Figure, shown: Sequence[Suspect], names: Sequence[str]) -> None:
    images, lines, framed = [], [], []
    for one in shown:
        images += [one.image, *one.neighbour_images]
        lines += [names[label] for label in (one.label, *one.neighbour_labels)]
        framed += [True, *[False] * NEIGHBOURS]
    columns = 2 * (1 + NEIGHBOURS)
    thumbnails.grid(figure, images, lines, columns=columns, wrong=framed, size=13)
