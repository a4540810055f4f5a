"""Which image belongs to which split: exact duplicates out, then a split that never changes.

Or another share of the images for validation than the data set was split with; test untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from datasets.arrays import Dataset, Split, pixel_statistics

# Of the split, not of a run: every run of every seed sees the same three splits.
SPLIT_SEED = 20_240_229


@dataclass(frozen=True, kw_only=True)
class Collection:
    """All images of a source as they were read, and the rows that make each split."""

    images: NDArray[np.uint8]  # (n, 28, 28), white on black
    labels: NDArray[np.uint8]  # (n,)
    train: NDArray[np.int64]  # ascending rows of images and labels; no row is in two splits
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    duplicates_removed: int = 0  # rows in no split because an earlier row has the same pixels
    conflicting_labels: int = 0  # those among them whose label differs from that earlier row's
    class_names: tuple[str, ...] | None = None  # as the files have them; None: those of the task
    reading: tuple[str, ...] = ()  # how a user's own files were read: sentences


def divide(images: NDArray[np.uint8], labels: NDArray[np.uint8]) -> Collection:
    """Drop exact duplicates, then split 80/10/10 within each class, with the fixed seed.

    Of images with the same pixels the first is kept, with its label, whatever the labels of
    the others: so no test image is a training image under another name.
    """
    first = first_occurrences(images)
    kept = np.flatnonzero(first == np.arange(len(images)))
    train, validation, test = stratified(labels, kept)
    return Collection(
        images=images,
        labels=labels,
        train=train,
        validation=validation,
        test=test,
        duplicates_removed=len(images) - len(kept),
        conflicting_labels=int(np.count_nonzero(labels != labels[first])),
    )


def divide_rest(images: NDArray[np.uint8], labels: NDArray[np.uint8], *, test: int) -> Collection:
    """Keep the first ``test`` images as an official test set, whole, and split the rest 90/10.

    Of the rest, images that are duplicates are left out, among them those that the test set
    holds: what is tested on has not been trained on.
    """
    first = first_occurrences(images)
    rows = np.arange(len(images))
    kept = test + np.flatnonzero(first[test:] == rows[test:])
    train, validation = stratified(labels, kept, held_out=1)
    return Collection(
        images=images,
        labels=labels,
        train=train,
        validation=validation,
        test=rows[:test],
        duplicates_removed=len(images) - test - len(kept),
        conflicting_labels=int(np.count_nonzero((labels != labels[first])[test:])),
    )


def first_occurrences(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    """For each image the row of the first one with the same pixels, its own where it is first.

    Exact: images with the same hash are compared pixel by pixel.
    """
    _, first, group = np.unique(_hashes(images), return_index=True, return_inverse=True)
    rows = first[group]
    repeated = np.flatnonzero(rows != np.arange(len(images)))
    if np.array_equal(images[repeated], images[rows[repeated]]):
        return rows
    return _first_by_content(images)  # two different images share a hash


def _hashes(images: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """One number for each image: its pixels, eight to a word, in a random weighted sum."""
    words = images.reshape(len(images), -1).view(np.uint64)
    weights = np.random.default_rng(0).integers(1 << 64, size=words.shape[1], dtype=np.uint64)
    return words @ weights


def _first_by_content(images: NDArray[np.uint8]) -> NDArray[np.int64]:
    first: dict[bytes, int] = {}
    rows = [first.setdefault(image.tobytes(), row) for row, image in enumerate(images)]
    return np.array(rows, dtype=np.int64)


def stratified(
    labels: NDArray[np.uint8], rows: NDArray[np.int64], *, held_out: int = 2
) -> list[NDArray[np.int64]]:
    """Ascending rows of training and of ``held_out`` other splits, such as validation and test.

    Of each class a tenth, rounded, goes to each of the others. A class with more images than
    ``held_out`` has one in every split.
    """
    parts: list[list[NDArray[np.int64]]] = [[rows[:0]] for _ in range(1 + held_out)]
    for members in _shuffled_classes(labels, rows):
        tenth = max(1, (len(members) + 5) // 10)
        ends = [len(members) - tenth * left for left in range(held_out, 0, -1)]
        for part, cut in zip(parts, np.split(members, ends), strict=True):
            part.append(cut)
    return [np.sort(np.concatenate(part)) for part in parts]


def _shuffled_classes(
    labels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> Iterator[NDArray[np.int64]]:
    """The rows of each class, shuffled by the fixed seed.

    By ``numpy.random.RandomState``, whose stream NumPy keeps unchanged from version to version.
    """
    random = np.random.RandomState(SPLIT_SEED)
    for label in np.unique(labels[rows]):
        yield random.permutation(rows[labels[rows] == label])


def with_validation_share(dataset: Dataset, share: float) -> Dataset:
    """Divide training and validation images anew, so that ``share`` of them validates.

    Within each class, rounded, by the fixed seed of all splits and never that of a run. A class
    of two or more images has one in both; of one image, it is for training. The test images are
    untouched, and so is the fingerprint: it names the images of all three splits as they were
    first divided, of which, with the share, the new division follows. The pixels' mean and
    deviation are those of the new training images.

    Raises ValueError where ``share`` is not between 0 and 1, or leaves a split empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"a validation share of {share:g}; wanted one between 0 and 1")
    labels = np.concatenate([dataset.train.labels, dataset.validation.labels])
    validates = np.zeros(len(labels), dtype=np.bool_)
    for members in _shuffled_classes(labels, np.arange(len(labels))):
        wanted = min(max(1, round(share * len(members))), len(members) - 1)
        validates[members[:wanted]] = True
    if validates.all() or not validates.any():
        raise ValueError(
            f"a validation share of {share:g} of {len(labels)} images leaves a split empty; "
            "wanted a class of two images or more"
        )
    images = np.concatenate([dataset.train.images, dataset.validation.images])
    train = Split(images=images[~validates], labels=labels[~validates])
    mean, std = pixel_statistics(train.images)
    return replace(
        dataset,
        train=train,
        validation=Split(images=images[validates], labels=labels[validates]),
        pixel_mean=mean,
        pixel_std=std,
    )
