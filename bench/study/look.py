"""A look at the data: samples, pixels, classes, statistics, duplicates, suspicious labels.

Whoever looks at test images before a model is chosen chooses by them: pictures here are of
training and validation images alone, and test images are only counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from bench.report import wording
from bench.report.plots import style
from bench.study import pixels, samples
from bench.study.artifact import Picture, Sheet, Study
from bench.study.suspects import MOST, NEARLY, NEIGHBOURS, Examination, Suspect, examine
from datasets import Dataset, Split

TITLE = "A look at the data"
NEEDS = "images"
ROOM = 110  # letters below a slide-wide axis; names that need more stand upright


def make(study: Study) -> Iterator[Picture | Sheet]:
    """Everything there is to see before a network is trained."""
    data, what = study.dataset, wording.images(study.groups[0].data)
    yield samples.samples(data, what)
    yield samples.in_numbers(data, what)
    yield _classes_picture(data, what)
    yield _classes_sheet(data, what)
    yield samples.means(data, what)
    yield _statistics(data, what)
    seen = examine(data)
    yield _duplicates(data, seen, what)
    if seen.suspects:
        yield _suspects(data, seen.suspects, what)
        yield samples.suspicious(data, seen.suspects, what)


def _splits(data: Dataset) -> dict[str, Split]:
    return {"training": data.train, "validation": data.validation, "test": data.test}


# Classes


def _classes_picture(data: Dataset, what: str) -> Picture:
    title, names = f"The classes of {what}", data.class_names
    with style.applied():
        figure, (axes,) = style.page(1)
        for place, (name, split) in enumerate(_splits(data).items()):
            counts, look = _counts(split, data), style.LOOKS[place]
            axes.bar(
                np.arange(len(names)) + 0.28 * (place - 1),
                100 * counts / counts.sum(),
                width=0.26,
                label=f"{name} ({counts.sum():,} images)",
                color=look.colour,
                hatch=look.hatch,
                edgecolor="white",
                linewidth=0,
            )
        crowded = max(map(len, names)) > ROOM // len(names)
        axes.set_xticks(range(len(names)), names, rotation=90 if crowded else 0)
        axes.set_ylabel("share of the split's images (%)")
        axes.grid(axis="x", visible=False)
        style.frame(figure, [axes], title, [_imbalance(data)])
    return Picture(
        name="classes",
        title=title,
        caption=(
            "The share of each class in each split, side by side. Bars of one class that differ "
            "mean that the splits are not alike. Where classes are unequal, a model that is wrong "
            "about all of a small one can still have a high accuracy: read the tables by class."
        ),
        figure=figure,
    )


def _imbalance(data: Dataset) -> str:
    counts = _counts(data.train, data)
    smallest, largest = data.class_names[counts.argmin()], data.class_names[counts.argmax()]
    return (
        f"training images: {counts.max():,} of the largest class ({largest}), "
        f"{counts.min():,} of the smallest ({smallest})"
    )


def _classes_sheet(data: Dataset, what: str) -> Sheet:
    counts = {name: _counts(split, data) for name, split in _splits(data).items()}
    return Sheet(
        name="classes",
        title=f"Images of each class, {what}",
        caption="How many images of each class are in each split.",
        frame=pd.DataFrame({"class": data.class_names, **counts, "all": sum(counts.values())}),
        formats=dict.fromkeys((*counts, "all"), ",d"),
    )


def _counts(split: Split, data: Dataset) -> pixels.Counts:
    return np.bincount(split.labels, minlength=len(data.class_names))


# Pixels


def _statistics(data: Dataset, what: str) -> Sheet:
    rows = [row for name, split in _splits(data).items() for row in _rows(name, split, data)]
    return Sheet(
        name="pixel_statistics",
        title=f"Pixels before and after normalisation, {what}",
        caption=(
            "Pixels as they are, from 0 to 255, and as networks are given them: divided by 255, "
            f"less {data.pixel_mean:.4f}, divided by {data.pixel_std:.4f}, the mean and the "
            "standard deviation of the training pixels. Only of the training images is the mean "
            "then 0 and the deviation 1: the others are measured by the same yardstick, since "
            "what is to be read later is not known when it is made. Zeros: the share of pixels "
            "that are exactly 0, which black is before and not after."
        ),
        frame=pd.DataFrame(rows),
        formats={
            **dict.fromkeys(("lowest", "highest", "mean", "std"), "z.4f"),
            "zeros": ".1%",
            "images": ",d",
        },
    )


def _rows(name: str, split: Split, data: Dataset) -> Iterator[dict[str, object]]:
    counts = pixels.histogram(split.images)
    mean, std = data.pixel_mean, data.pixel_std
    forms = {
        "as they are": pixels.raw_statistics(counts),
        "normalised": pixels.normalised_statistics(counts, mean=mean, std=std),
    }
    for form, statistics in forms.items():
        yield {"split": name, "pixels": form, "images": len(split.labels), **asdict(statistics)}


# Duplicates and suspects


def _duplicates(data: Dataset, seen: Examination, what: str) -> Sheet:
    rows = [
        ("exact duplicates left out before the split", data.duplicates_removed),
        ("... of them under another label", data.conflicting_labels),
        ("training and validation images compared with one another", seen.looked_at),
        ("... nearly the same as their nearest neighbour", seen.repeated),
        ("... ... which is in the other split", seen.across),
        ("... ... which has another label", seen.contradicted),
        ("... with a suspicious label", len(seen.suspects)),
        ("test images compared with them, unseen by us", seen.tested),
        ("... nearly the same as a training or validation image", seen.seen),
    ]
    return Sheet(
        name="duplicates",
        title=f"Duplicates and suspicious labels, {what}",
        caption=(
            "An image that is there twice, once for training and once for testing, would be "
            "remembered and not recognised: of exact duplicates the first is kept. Two images are "
            f"nearly the same where they differ by less than {NEARLY:.0%} of the length of one "
            f"(Euclidean, of pixels). A label is suspicious where the {NEIGHBOURS} nearest "
            "neighbours of its image all bear one other label (after Wilson, 'Asymptotic "
            "Properties of Nearest Neighbor Rules Using Edited Data', IEEE Transactions on "
            "Systems, Man, and Cybernetics 2, 1972). Neighbours are found in the first 50 "
            f"principal components; of more than {MOST:,} images so many are drawn. None was "
            "removed."
        ),
        frame=pd.DataFrame(rows, columns=["what", "images"]),
        formats={"images": ",d"},
    )


def _suspects(data: Dataset, found: Sequence[Suspect], what: str) -> Sheet:
    names = data.class_names
    rows = [
        {
            "split": one.split,
            "index": one.index,
            "label": names[one.label],
            "neighbours": names[one.neighbour_labels[0]],
            "distance": one.distance,
            "own_distance": one.own_distance if np.isfinite(one.own_distance) else None,
        }
        for one in found
    ]
    return Sheet(
        name="suspects",
        title=f"Suspicious labels, {what}",
        caption=(
            f"Images whose {NEIGHBOURS} nearest neighbours are all of one other class. Distance: "
            "Euclidean, of pixels on the scale 0..1, the mean to those neighbours; own distance: "
            "to the nearest image of the same label. The smallest ratio of the two comes first. "
            "'index' counts within the split from 0."
        ),
        frame=pd.DataFrame(rows),
        formats={"distance": ".2f", "own_distance": ".2f"},
    )
