"""Which batch shapes a run will meet, so that a warm-up meets them all first. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.trainers import EVALUATION_BATCH_SIZE, Images

INFERENCE_BATCH_SIZES = (EVALUATION_BATCH_SIZE, 1)  # of the calls of infer() that are timed


def warm_up_length(images: int, batch_size: int) -> int:
    """How many images, cut into batches, make every batch shape that all ``images`` make.

    Two full batches, since a compiler may look again at its own results coming back as
    inputs, and the short last one.
    """
    full, short = divmod(images, batch_size)
    return min(full, 2) * batch_size + short


def warm_up_order(images: int, batch_size: int) -> NDArray[np.int64]:
    """An order of training images that meets every batch shape of an epoch."""
    return np.arange(warm_up_length(images, batch_size), dtype=np.int64)


def inference_batches(images: Images) -> list[Images]:
    """One batch of each size that is timed, the images repeated where there are too few."""
    return [np.resize(images, (size, *images.shape[1:])) for size in INFERENCE_BATCH_SIZES]
