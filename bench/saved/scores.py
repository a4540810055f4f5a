"""How many of a set of images a model reads right, classes matched by their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench import UsageError
from bench.stats.uncertainty import Interval, wilson

MOST_NAMED = 10  # classes that an error names


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


def class_indices(model: Sequence[str], data: Sequence[str], *, name: str) -> NDArray[np.int64]:
    """For each label of the data the index of the class of this name in the model.

    Args:
        model: the class names of the model, in the order of its logits.
        data: those of the data set, in label order.
        name: of the data set, for the error.

    Raises:
        UsageError: where the two do not have the same classes, naming the differences.
    """
    if set(model) != set(data):
        sentences = (
            _differences("the model alone knows", [c for c in model if c not in set(data)]),
            _differences(f"{name} alone has", [c for c in data if c not in set(model)]),
        )
        raise UsageError(
            f"the model is for other classes than those of {name}: "
            f"{'; '.join(filter(None, sentences))}. Choose data with the model's classes: "
            f"{_named(model)}"
        )
    return np.array([model.index(each) for each in data], dtype=np.int64)


def _differences(who: str, names: Sequence[str]) -> str:
    return f"{who} {_named(names)}" if names else ""


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def scores(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], class_names: Sequence[str]
) -> Scores:
    """Count what is right; both are (n,) indices of classes."""
    right = predicted == labels
    return Scores(
        overall=_share_of(right),
        by_class={name: _share_of(right[labels == i]) for i, name in enumerate(class_names)},
    )


def _share_of(right: NDArray[np.bool_]) -> Share:
    correct, images = int(right.sum()), len(right)
    return Share(
        correct=correct,
        images=images,
        accuracy=correct / images if images else None,
        interval=wilson(correct, images),
    )
