"""How many images of each class a model gets right, with intervals. Numbers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.uncertainty import Interval, wilson


@dataclass(frozen=True, kw_only=True)
class Share:
    """So many of so many images."""

    correct: int
    images: int
    accuracy: float | None  # None where there are no images
    interval: Interval | None  # Wilson's, of 95 % confidence; None where there are no images


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Over all images, and over those of each class."""

    overall: Share
    by_class: dict[str, Share]  # in the model's order


def scores(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], class_names: Sequence[str]
) -> Scores:
    """Count what is right; both are (n,) indices of classes."""
    right = predicted == labels
    return Scores(
        overall=_share(right),
        by_class={name: _share(right[labels == i]) for i, name in enumerate(class_names)},
    )


def _share(right: NDArray[np.bool_]) -> Share:
    correct, images = int(right.sum()), len(right)
    return Share(
        correct=correct,
        images=images,
        accuracy=correct / images if images else None,
        interval=wilson(correct, images),
    )
