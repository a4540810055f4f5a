"""Which image belongs to which split: exact duplicates out, then a split that never changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    notes: tuple[str, ...] = ()  # how the files were read, where that was a choice: sentences


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
    train, validation = _tenths(labels, kept, held_out=1)
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
    found = first[group]
    repeated = np.flatnonzero(found != np.arange(len(images)))
    if np.array_equal(images[repeated], images[found[repeated]]):
        return found
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
    labels: NDArray[np.uint8], rows: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Training, validation and test rows: of each class a tenth, rounded, to the last two each.

    A class with at least three images has one in every split. The random stream is that of
    ``numpy.random.RandomState``, which NumPy keeps unchanged from version to version.
    """
    train, validation, test = _tenths(labels, rows, held_out=2)
    return train, validation, test


def _tenths(
    labels: NDArray[np.uint8], rows: NDArray[np.int64], *, held_out: int
) -> list[NDArray[np.int64]]:
    """The rows of each split, ascending: what is left, then ``held_out`` splits of a tenth each."""
    random = np.random.RandomState(SPLIT_SEED)
    parts: list[list[NDArray[np.int64]]] = [[rows[:0]] for _ in range(1 + held_out)]
    for label in np.unique(labels[rows]):
        members = random.permutation(rows[labels[rows] == label])
        tenth = max(1, (len(members) + 5) // 10)
        ends = [len(members) - tenth * left for left in range(held_out, 0, -1)]
        for part, cut in zip(parts, np.split(members, ends), strict=True):
            part.append(cut)
    return [np.sort(np.concatenate(part)) for part in parts]
