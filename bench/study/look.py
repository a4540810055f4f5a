"""A look at the data: samples, pixels, classes, statistics, duplicates, suspicious labels.

Whoever looks at test images before a model is chosen chooses by them: pictures here are of
training and validation images alone, and test images are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.report.plots import style
from bench.report.tables.table import Table, fact_table
from bench.study import pictures, suspects
from bench.study.artifact import Artifact, Picture, Study, Tables, facts
from datasets import Dataset, Split, normalise
from datasets.arrays import chunks

TITLE = "A look at the data"
NEEDS = "images"

Images = NDArray[np.uint8]
Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


def make(study: Study) -> Iterator[Artifact]:
    """Everything there is to see before a network is trained."""
    yield _samples(study)
    yield _in_numbers(study)
    yield _classes_picture(study)
    yield _classes_table(study)
    yield _means(study)
    yield _statistics(study)
    yield from suspects.artifacts(study)


def finding(tables: Tables) -> str:
    """How unequal the classes are, and how many labels are suspicious."""
    classes = facts(tables, "classes")
    if not classes:
        return ""
    largest, smallest = (pick(classes, key=lambda row: row["training"]) for pick in (max, min))
    return (
        f"The largest class, {largest['class']}, has {largest['training']:,} training images, the "
        f"smallest, {smallest['class']}, {smallest['training']:,}. {suspects.finding(tables)}"
    ).strip()


# Images: some of each class, one in numbers, the mean of each class

HEIGHT, WIDTH = 7.6, 15.2  # inches that images have, below title and note
SEED = 0  # of the draw of samples
LARGE = 0  # the training image whose pixels are written out
BRIGHT = 110  # pixels from here on bear black numbers


def _samples(study: Study) -> Picture:
    """As many training images of each class as a slide holds, drawn at random."""
    names = study.dataset.class_names
    blocks = 1 if len(names) <= 13 else 2 if len(names) <= 30 else 3
    lines = max(1, 10 // len(names))  # of each class
    rows = -(-len(names) // blocks) * lines
    margin = min(2.0, 0.4 + 0.12 * max(map(len, names)))  # inches, for the names
    across = int((WIDTH / blocks - margin) / (HEIGHT / rows))
    chosen = [_drawn(study.dataset, label, across * lines) for label in range(len(names))]
    strips = [
        images[line * across : (line + 1) * across] for images in chosen for line in range(lines)
    ]
    labels = [name if line == 0 else "" for name in names for line in range(lines)]
    figure = pictures.slide()
    size = pictures.fitting(names, 72 * (margin - 0.1), 16)
    for block in range(blocks):
        part = slice(block * rows, (block + 1) * rows)
        left = 0.01 + block * 0.98 / blocks + margin / style.WIDTH
        area = (left, 0.02, across * HEIGHT / rows / style.WIDTH, 0.86)
        pictures.mosaic(
            figure, area, strips[part], rows=rows, columns=across, left=labels[part], size=size
        )
    return pictures.titled(
        figure,
        f"Training images drawn at random, {across * lines} of each class where it has them",
        name="samples",
        title=f"Samples of {study.subject}",
        caption=(
            "Training images, a class a row, drawn at random with a fixed seed; white on black, as "
            "networks are given them. Look for classes that are written in several ways, and for "
            "images that you would label otherwise."
        ),
        main=True,
    )


def _drawn(data: Dataset, label: int, count: int) -> list[Images]:
    own = np.flatnonzero(data.train.labels == label)
    drawn = np.random.default_rng(SEED).permutation(own)[:count]
    return [np.asarray(data.train.images[row]) for row in drawn]


def _in_numbers(study: Study) -> Picture:
    """One training image with the value of every pixel written in it."""
    data = study.dataset
    image = np.asarray(data.train.images[LARGE])
    label = data.class_names[data.train.labels[LARGE]]
    figure = pictures.slide()
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
    pictures.show(axes, image)
    axes.set_aspect("auto")
    for (row, column), value in np.ndenumerate(image):
        colour = "black" if value >= BRIGHT else "white" if value else "0.5"
        axes.text(column, row, str(value), ha="center", va="center", fontsize=12, color=colour)
    return pictures.titled(
        figure,
        f"The first training image, labelled {label}",
        name="pixels",
        title=f"One image of {study.subject}, pixel by pixel",
        caption=(
            "What a network is given: 28 by 28 numbers from 0 (black) to 255 (white), and nothing "
            "else. The picture is stretched so that the numbers can be read."
        ),
    )


def _means(study: Study) -> Picture:
    """Mean image and standard deviation of each pixel, class by class."""
    names = study.dataset.class_names
    blocks = 1 if len(names) <= 5 else 2 if len(names) <= 30 else 3
    across = -(-len(names) // blocks)
    pairs = [_mean_images(study.dataset, label) for label in range(len(names))]
    figure = pictures.slide()
    for block in range(blocks):
        part = slice(block * across, (block + 1) * across)
        area = (0.02, 0.06 + 0.83 * (blocks - 1 - block) / blocks, 0.96, 0.83 / blocks - 0.05)
        rows = [*zip(*pairs[part], strict=True)]
        pictures.mosaic(figure, area, rows, rows=2, columns=across, below=names[part])
    return pictures.titled(
        figure,
        "Training images; above the mean, below the standard deviation, twice as bright",
        name="means",
        title=f"Mean and spread of each class, {study.subject}",
        caption=(
            "The mean of the training images of each class, and below it how much each pixel "
            "varies among them (standard deviation). A sharp mean is a class that is always "
            "written alike; where the spread is bright, hands differ. Two classes with similar "
            "means are told apart by little."
        ),
    )


def _mean_images(data: Dataset, label: int) -> tuple[Images | None, Images | None]:
    own = np.flatnonzero(data.train.labels == label)
    if not len(own):
        return None, None
    mean, spread = mean_and_spread(data.train.images[own])
    return _as_image(mean), _as_image(2 * spread)


def mean_and_spread(images: Images) -> tuple[Floats, Floats]:
    """(28, 28) mean and (28, 28) population standard deviation of each pixel of n > 0 images."""
    mean = images.mean(axis=0)
    # Whole numbers, so that no copy of all images in floats is needed.
    squares = np.einsum("nij,nij->ij", images, images, dtype=np.int64) / len(images)
    return mean, np.sqrt(np.maximum(squares - mean**2, 0))


def _as_image(values: Floats) -> Images:
    return np.clip(values.round(), 0, 255).astype(np.uint8)


# Classes


def _splits(data: Dataset) -> dict[str, Split]:
    return {"training": data.train, "validation": data.validation, "test": data.test}


def _class_counts(data: Dataset) -> dict[str, Counts]:
    """Of each split the (classes,) images of each class."""
    classes = len(data.class_names)
    return {
        name: np.bincount(split.labels, minlength=classes) for name, split in _splits(data).items()
    }


def _classes_picture(study: Study) -> Picture:
    data = study.dataset
    figure, (axes,) = style.page(1)
    for position, (name, counts) in enumerate(_class_counts(data).items()):
        look = style.LOOKS[position]
        axes.bar(
            np.arange(len(data.class_names)) + 0.28 * (position - 1),
            100 * counts / counts.sum(),
            width=0.26,
            label=f"{name} ({counts.sum():,} images)",
            color=look.colour,
            edgecolor="white",
            linewidth=0,
        )
    pictures.name_classes(axes, data.class_names)
    axes.set_ylabel("share of the split's images (%)")
    axes.grid(axis="x", visible=False)
    return pictures.chart(
        figure,
        [_imbalance(data)],
        name="classes",
        title=f"The classes of {study.subject}",
        caption=(
            "The share of each class in each split, side by side. Bars of one class that differ "
            "mean that the splits are not alike. Where classes are unequal, a model that is wrong "
            "about all of a small one can still have a high accuracy: read the tables by class."
        ),
    )


def _imbalance(data: Dataset) -> str:
    counts = _class_counts(data)["training"]
    smallest, largest = data.class_names[counts.argmin()], data.class_names[counts.argmax()]
    return (
        f"training images: {counts.max():,} of the largest class ({largest}), "
        f"{counts.min():,} of the smallest ({smallest})"
    )


def _classes_table(study: Study) -> Table:
    counts = _class_counts(study.dataset)
    return fact_table(
        name="classes",
        title=f"Images of each class, {study.subject}",
        explanation="How many images of each class are in each split.",
        rows=[
            {"class": name, **dict(zip(counts, of_class, strict=True)), "all": sum(of_class)}
            for name, *of_class in zip(study.dataset.class_names, *counts.values(), strict=True)
        ],
        formats={",d": (*counts, "all")},
    )


# Pixels

LEVELS = 256  # values of a pixel: a histogram holds all there is to know of a split's pixels


class PixelStatistics(NamedTuple):
    """Of all pixels of a split, in one form."""

    lowest: float
    highest: float
    mean: float
    std: float  # of the population
    zeros: float  # share of pixels that are exactly 0


def histogram(images: Images) -> Counts:
    """(256,) how many pixels of (n, 28, 28) images have each value."""
    counted = (np.bincount(chunk.ravel(), minlength=LEVELS) for chunk in chunks(images))
    return sum(counted, start=np.zeros(LEVELS, np.int64))  # counting needs eight bytes a pixel


def pixel_statistics(counts: Counts, values: NDArray[np.number]) -> PixelStatistics:
    """Of a histogram; ``values``: (256,) what each level of a pixel is given as."""
    values = values.astype(np.float64)
    present, share = values[counts > 0], counts / counts.sum()
    mean = float(share @ values)
    return PixelStatistics(
        lowest=float(present.min()),
        highest=float(present.max()),
        mean=mean,
        std=float(np.sqrt(share @ (values - mean) ** 2)),
        zeros=float(share[values == 0].sum()),
    )


def _statistics(study: Study) -> Table:
    data = study.dataset
    return fact_table(
        name="pixel_statistics",
        title=f"Pixels before and after normalisation, {study.subject}",
        explanation=(
            "Pixels as they are, from 0 to 255, and as networks are given them: divided by 255, "
            f"less {data.pixel_mean:.4f}, divided by {data.pixel_std:.4f}, the mean and the "
            "standard deviation of the training pixels. Of the training images the mean is then 0 "
            "and the deviation 1. The others are normalised with the same two numbers, since "
            "later images are not known when a network is trained. Zeros: the share of pixels "
            "that are exactly 0; black is 0 before and not after."
        ),
        rows=[row for name, split in _splits(data).items() for row in _rows(name, split, data)],
        formats={
            ",d": ("images",),
            "z.4f": ("lowest", "highest", "mean", "std"),
            ".1%": ("zeros",),
        },
    )


def _rows(name: str, split: Split, data: Dataset) -> Iterator[dict[str, object]]:
    counts, levels = histogram(split.images), np.arange(LEVELS, dtype=np.uint8)
    normalised = normalise(levels, mean=data.pixel_mean, std=data.pixel_std)
    for form, values in (("as they are", levels), ("normalised", normalised)):
        statistics = pixel_statistics(counts, values)._asdict()
        yield {"split": name, "pixels": form, "images": len(split.labels), **statistics}
