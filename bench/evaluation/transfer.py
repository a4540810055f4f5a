"""Labels of a data set as classes of a model: by their names, in whatever order they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bench import UsageError

MOST_NAMED = 10  # classes that an error names


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
