"""The order of the training images: drawn here from the seed, the same for every framework."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment


def segments(experiment: Experiment, seed: int, images: int) -> Iterator[NDArray[np.int64]]:
    """The stretches of training between two evaluations, in order.

    Each epoch is a new permutation of all ``images`` indices, drawn from (seed, epoch), so
    that epoch 3 of a run is the same however long the run is. Stretches end on a whole batch,
    so cutting them does not change the batches; the last batch of an epoch may be short.
    Where shuffling is left to the framework, every epoch is in the order of the file.

    Yields:
        (m,) int64 indices into the training images.
    """
    batch = experiment.batch_size
    epoch_steps = math.ceil(images / batch)
    steps_left = total_steps(experiment, images)
    epoch = 0
    while steps_left > 0:
        order = _epoch(experiment, seed, epoch, images)
        steps = min(epoch_steps, steps_left)
        start = 0
        for end in _cuts(epoch_steps, steps, experiment.evaluations_per_epoch):
            yield order[start * batch : end * batch]
            start = end
        steps_left -= steps
        epoch += 1


def _epoch(experiment: Experiment, seed: int, epoch: int, images: int) -> NDArray[np.int64]:
    if "shuffling" in experiment.native:
        return np.arange(images, dtype=np.int64)
    return np.random.default_rng((seed, epoch)).permutation(images).astype(np.int64)


def total_steps(experiment: Experiment, images: int) -> int:
    """Optimiser steps of the whole run: at least one; the short last batch is a step too."""
    return max(1, round(experiment.epochs * math.ceil(images / experiment.batch_size)))


def _cuts(epoch_steps: int, steps: int, evaluations: int) -> list[int]:
    """Where to stop and evaluate within the first ``steps`` steps of an epoch; ends with it."""
    even = {round(epoch_steps * part / evaluations) for part in range(1, evaluations + 1)}
    return sorted({cut for cut in even if 0 < cut < steps} | {steps})
