"""A look at the data: samples, pixels, classes, statistics, duplicates, suspicious labels.

Whoever looks at test images before a model is chosen chooses by them: pictures here are of
training and validation images alone, and test images are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.report import wording
from bench.report.plots import style
from bench.study import thumbnails
from bench.study.artifact import Picture, Sheet, Study
from bench.study.suspects import NEIGHBOURS, Suspect, suspects
from datasets import Dataset, Split, normalise

TITLE = "A look at the data"
NEEDS = "images"
SAMPLES = 60  # images of the grid, at most
LARGE = 0  # the training image whose pixels are written out
SUSPECTS = 8  # shown with their neighbours
LISTED = 40  # in the table


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Everything there is to see before a network is trained."""
    data, what = study.dataset, wording.images(study.groups[0].data)
    yield _samples(data, what)
    yield _pixels(data, what)
    yield _classes(data, what)
    yield _means(data, what)
    yield _statistics(data, what)
    found, looked_at = suspects(data)
    yield _duplicates(data, what, len(found), looked_at)
    if found:
        yield _suspects_sheet(data, found, what)
        yield _suspects_picture(data, found[:SUSPECTS], what)


# Pictures


def _samples(data: Dataset, what: str) -> Picture:
    each = max(1, SAMPLES // len(data.class_names))
    chosen = [
        int(place)
        for label in range(len(data.class_names))
        for place in np.flatnonzero(data.train.labels == label)[:each]
    ][:SAMPLES]
    title = f"Samples of {what}"
    with style.applied():
        figure = thumbnails.slide(title, f"The first training images of each class, {each} of each")
        thumbnails.grid(
            figure,
            [data.train.images[place] for place in chosen],
            [data.class_names[data.train.labels[place]] for place in chosen],
            columns=12,
            size=14,
        )
    return Picture(
        name="samples",
        title=title,
        caption="Training images with their labels below, the first of each class as they come.",
        figure=figure,
    )


def _pixels(data: Dataset, what: str) -> Picture:
    image = np.asarray(data.train.images[LARGE])
    label = data.class_names[data.train.labels[LARGE]]
    title = f"One image of {what}, pixel by pixel"
    with style.applied():
        figure = thumbnails.slide(title, f"The first training image, labelled {label}")
        axes = figure.add_axes((0.02, 0.02, 0.96, 0.86))
        axes.imshow(image, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
        for (row, column), value in np.ndenumerate(image):
            colour = "black" if value > 127 else "0.6"
            axes.text(column, row, str(value), ha="center", va="center", fontsize=11, color=colour)
    return Picture(
        name="pixels",
        title=title,
        caption=(
            "What a network is given: 28 by 28 numbers from 0 (black) to 255 (white), and nothing "
            "else. The picture is stretched so that the numbers can be read."
        ),
        figure=figure,
    )


def _classes(data: Dataset, what: str) -> Picture:
    title = f"Images of each class, {what}"
    splits = (("training", data.train), ("validation", data.validation), ("test", data.test))
    places = np.arange(len(data.class_names))
    with style.applied():
        figure, (axes,) = style.page(1)
        below = np.zeros(len(places))
        for look, (name, split) in zip(style.LOOKS, splits, strict=False):
            counts = np.bincount(split.labels, minlength=len(places))
            axes.bar(
                places,
                counts,
                bottom=below,
                label=f"{name} ({counts.sum():,})",
                color=look.colour,
                hatch=look.hatch,
                edgecolor="white",
            )
            below += counts
        size = 13 if len(places) <= 30 else 8
        axes.set_xticks(places, data.class_names, fontsize=size)
        axes.set_ylabel("images")
        axes.grid(axis="x", visible=False)
        ratio = below.max() / below.min()
        notes = [f"the largest class has {ratio:.1f} times as many images as the smallest"]
        style.frame(figure, [axes], title, notes)
    return Picture(
        name="classes",
        title=title,
        caption=(
            "How many images of each class there are, split by split. Where classes are unequal, "
            "a model that is wrong about all of a small one can still have a high accuracy: read "
            "the table by class."
        ),
        figure=figure,
    )


def _means(data: Dataset, what: str) -> Picture:
    title = f"Mean and spread of each class, {what}"
    images: list[NDArray[np.uint8]] = []
    lines: list[str] = []
    for label, name in enumerate(data.class_names):
        own = data.train.images[data.train.labels == label].astype(np.float32)
        spread = own.std(axis=0)
        images += [own.mean(axis=0).astype(np.uint8), np.clip(spread * 2, 0, 255).astype(np.uint8)]
        lines += [f"{name}: mean", "spread"]
    with style.applied():
        figure = thumbnails.slide(title, "Training images; spread: standard deviation, doubled")
        columns = 10 if len(data.class_names) <= 15 else 14
        thumbnails.grid(figure, images, lines, columns=columns, size=12)
    return Picture(
        name="means",
        title=title,
        caption=(
            "The mean image of each class, and beside it how much each pixel varies. A sharp mean "
            "is a class that is always written alike; where the spread is bright, hands differ. "
            "Two classes with similar means are told apart by little."
        ),
        figure=figure,
    )


def _suspects_picture(data: Dataset, found: list[Suspect], what: str) -> Picture:
    names = data.class_names
    title = f"Suspicious labels of {what}"
    with style.applied():
        figure = thumbnails.slide(
            title, f"{len(found)} images, each followed by its {NEIGHBOURS} nearest neighbours"
        )
        images, lines, framed = [], [], []
        for one in found:
            images += [one.image, *one.neighbour_images]
            lines += [f"labelled {names[one.label]}", *(names[n] for n in one.neighbour_labels)]
            framed += [True, *[False] * NEIGHBOURS]
        columns = 2 * (1 + NEIGHBOURS)
        thumbnails.grid(figure, images, lines, columns=columns, wrong=framed, size=13)
    return Picture(
        name="suspects",
        title=title,
        caption=(
            "Framed: images whose nearest neighbours among the others are all of one other class, "
            "the nearest first; after each, those neighbours with their labels. Some labels are "
            "wrong, some images are written so that they could be either. None was removed."
        ),
        figure=figure,
    )


# Tables


def _statistics(data: Dataset, what: str) -> Sheet:
    splits = {"training": data.train, "validation": data.validation, "test": data.test}
    rows = [
        row
        for name, split in splits.items()
        for row in (_pixel_row(name, split), _normalised_row(name, split, data))
    ]
    return Sheet(
        name="pixel_statistics",
        title=f"Pixels before and after normalisation, {what}",
        caption=(
            "Pixels as they are, from 0 to 255, and as networks are given them: divided by 255, "
            f"less {data.pixel_mean:.4f}, divided by {data.pixel_std:.4f}, the mean and the "
            "standard deviation of the training pixels. Only of the training images is the mean "
            "then 0 and the deviation 1: the others are measured by the same yardstick, since "
            "what is to be read later is not known when it is made."
        ),
        frame=pd.DataFrame(rows),
        formats={
            **dict.fromkeys(("lowest", "highest", "mean", "deviation"), ".3f"),
            "black": ".1%",
            "images": ",d",
        },
    )


def _pixel_row(name: str, split: Split) -> dict[str, object]:
    images = np.asarray(split.images)
    return _row(name, "as they are", images) | {"black": float((images == 0).mean())}


def _normalised_row(name: str, split: Split, data: Dataset) -> dict[str, object]:
    images = normalise(np.asarray(split.images), mean=data.pixel_mean, std=data.pixel_std)
    return _row(name, "normalised", images)


def _row(name: str, form: str, images: NDArray[Any]) -> dict[str, object]:
    return {
        "split": name,
        "pixels": form,
        "images": len(images),
        "lowest": float(images.min()),
        "highest": float(images.max()),
        "mean": float(images.mean(dtype=np.float64)),
        "deviation": float(images.std(dtype=np.float64)),
    }


def _duplicates(data: Dataset, what: str, suspicious: int, looked_at: int) -> Sheet:
    rows = [
        ("exact duplicates left out", data.duplicates_removed),
        ("of them under another label", data.conflicting_labels),
        ("training and validation images looked at", looked_at),
        ("of them with a suspicious label", suspicious),
    ]
    return Sheet(
        name="duplicates",
        title=f"Duplicates and suspicious labels, {what}",
        caption=(
            "An image that is there twice, once for training and once for testing, would be "
            "remembered and not recognised: of exact duplicates the first is kept. A label is "
            f"suspicious where the {NEIGHBOURS} nearest neighbours of its image, by Euclidean "
            "distance of pixels, all bear one other label (Wilson, 'Asymptotic Properties of "
            "Nearest Neighbor Rules Using Edited Data', IEEE Transactions on Systems, Man, and "
            "Cybernetics 2, 1972, from which the idea of such editing is). Test images were not "
            "looked at."
        ),
        frame=pd.DataFrame(rows, columns=["what", "images"]),
        formats={"images": ",d"},
    )


def _suspects_sheet(data: Dataset, found: list[Suspect], what: str) -> Sheet:
    names = data.class_names
    rows = [
        {
            "split": one.split,
            "index": one.index,
            "label": names[one.label],
            "neighbours": names[one.neighbour_labels[0]],
            "distance": one.distance,
        }
        for one in found
    ]
    return Sheet(
        name="suspects",
        title=f"Suspicious labels, {what}",
        caption=(
            "The nearest first, by the mean distance to the neighbours (of pixels on the scale "
            "0..1); 'index' counts within the split from 0."
        ),
        frame=pd.DataFrame(rows[:LISTED]),
        formats={"distance": ".2f"},
    )
