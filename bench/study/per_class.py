"""Confusion matrix, precision, recall and F1, as the field defines them. NumPy only.

A quotient without a denominator is not defined, and is nan: the precision of a class that was
never said, the recall of one that never came. It is not 0, which would say something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class PerClass:
    """Of each class, in label order; all (classes,)."""

    support: Counts  # images of it
    said: Counts  # images that were taken for it
    accuracy: Floats  # share of all images that are rightly said to be of it or not
    precision: Floats  # share of those said that are right
    recall: Floats  # share of those there that were found: the accuracy within the class
    f1: Floats  # their harmonic mean


def confusion(labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: int) -> Counts:
    """(classes, classes): rows are the truth, columns what was said."""
    flat = np.bincount(labels * classes + predicted, minlength=classes**2)
    return flat.reshape(classes, classes).astype(np.int64)


def per_class(matrix: Counts) -> PerClass:
    """Of a confusion matrix with the truth in its rows."""
    right = np.diag(matrix)
    support, said, images = matrix.sum(axis=1), matrix.sum(axis=0), matrix.sum(keepdims=True)[0]
    return PerClass(
        support=support,
        said=said,
        accuracy=_share(images - support - said + 2 * right, images),
        precision=_share(right, said),
        recall=_share(right, support),
        f1=_share(2 * right, said + support),
    )


def mean(values: Iterable[float] | Floats) -> float:
    """Of those that are defined; nan where none is."""
    known = [float(value) for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def most_confused(matrix: Counts, count: int) -> list[tuple[int, int, int, int]]:
    """The pairs of classes that are taken for each other most often, the worst first.

    Each is (a, b, times that a was taken for b, times that b was taken for a), the more frequent
    way first; pairs that never happen are left out.
    """
    errors = matrix - np.diag(np.diag(matrix))
    both = np.triu(errors + errors.T)
    order = np.argsort(-both, axis=None, kind="stable")[:count]
    found = []
    for a, b in zip(*np.unravel_index(order, both.shape), strict=True):
        if both[a, b] == 0:
            break
        first, second = (a, b) if errors[a, b] >= errors[b, a] else (b, a)
        found.append(
            (int(first), int(second), int(errors[first, second]), int(errors[second, first]))
        )
    return found


def _share(part: Counts, whole: Counts) -> Floats:
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(whole > 0, part / np.maximum(whole, 1), np.nan))
