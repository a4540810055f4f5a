"""Which batch shapes a run will meet, so that a warm-up meets them all first. NumPy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bench.experiment import segments
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Setup, Trainer

TRAINING_SAMPLE_IMAGES = 5_000  # judged beside the validation set, at most
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


def in_pieces(order: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """The same order as (steps, images) arrays of equal batches: the full ones, the short one."""
    full = len(order) // batch_size * batch_size
    pieces = (order[:full].reshape(-1, batch_size), order[full:].reshape(1, -1))
    return [piece for piece in pieces if piece.size]


def stretches_to_come(setup: Setup) -> list[NDArray[np.int64]]:
    """An order for each length of the stretches that the run will have, the shortest first.

    For what compiles a whole stretch: one program for each number of batches. What the orders
    hold is of no account.
    """
    lengths = {len(order) for order in segments(setup.experiment, 0, len(setup.train_images))}
    return [np.arange(length, dtype=np.int64) for length in sorted(lengths)]


def predict_every_shape(trainer: Trainer, setup: Setup) -> None:
    """Ask a trainer in every batch shape of evaluation and of inference."""
    for images in evaluation_batches(setup):
        trainer.logits(images)
    for batch in inference_batches(setup):
        trainer.infer(batch)


def evaluation_batches(setup: Setup) -> list[Images]:
    """For each split as many images as make all its batch shapes: validation images for all."""
    sizes = [len(setup.validation_images), setup.test_size]
    if setup.experiment.training_accuracy:
        sizes.append(min(TRAINING_SAMPLE_IMAGES, len(setup.train_images)))
    return [_images(setup, warm_up_length(size, EVALUATION_BATCH_SIZE)) for size in sizes]


def inference_batches(setup: Setup) -> list[Images]:
    """One batch of each size that is timed."""
    return [_images(setup, size) for size in INFERENCE_BATCH_SIZES]


def _images(setup: Setup, count: int) -> Images:
    """So many validation images, repeated where there are too few: the test set is not touched."""
    return np.resize(setup.validation_images, (count, *setup.validation_images.shape[1:]))
