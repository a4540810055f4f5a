"""Faults to plant in a trainer, any framework's: each a mistake that somebody has made, or a cheat.

A fault is a change of what a trainer is made from, or a wrapper around it that changes what it
is given and gives back. The wrapper is honest in both directions: weights read back are those
that a user of the faulty trainer would believe in.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.checks.trial import Create
from bench.experiment import segments
from bench.run import processes
from bench.trainers import Images, Logits, Setup, Trainer, Weights

OUT_OF_ORDER = 7  # this batch is taken before the one that should come first


def planted(create: Create, fault: Callable[[Setup], Setup]) -> Create:
    """Trainers made from a setup with a mistake in it."""
    return lambda setup: create(fault(setup))


def wrapped(create: Create, wrapper: Callable[[Trainer, Setup], Any]) -> Create:
    """Trainers with a mistake around them."""
    return lambda setup: wrapper(create(setup), setup)


def wrong_epsilon(setup: Setup) -> Setup:
    """PyTorch's ε in Keras's place."""
    return replace(setup, experiment=replace(setup.experiment, adam_epsilon=1e-8))


def wrong_learning_rate(setup: Setup) -> Setup:
    """5 % more than asked for."""
    rate = 1.05 * setup.experiment.learning_rate
    return replace(setup, experiment=replace(setup.experiment, learning_rate=rate))


def missing_momentum(setup: Setup) -> Setup:
    """Plain SGD where momentum was asked for."""
    return replace(setup, experiment=replace(setup.experiment, momentum=0.0))


def dropout_left_on(setup: Setup) -> Setup:
    """Dropout where there is to be none."""
    return replace(setup, experiment=replace(setup.experiment, dropout=True))


def shifted_labels(setup: Setup) -> Setup:
    """Every image has its neighbour's label."""
    return replace(setup, train_labels=np.roll(setup.train_labels, 1))


def without_dropout(setup: Setup) -> Setup:
    """No dropout where it was asked for."""
    return replace(setup, experiment=replace(setup.experiment, dropout=False))


def own_epsilon(setup: Setup) -> Setup:
    """The framework's own Adam, where that is another: PyTorch's."""
    return replace(setup, experiment=replace(setup.experiment, native=("adam-epsilon",)))


def bfloat16(setup: Setup) -> Setup:
    """A precision that nobody asked for."""
    return replace(setup, experiment=replace(setup.experiment, precision="bf16"))


class Wrapper:
    """A trainer as it is, but for what a subclass changes."""

    def __init__(self, trainer: Trainer, setup: Setup) -> None:
        self.trainer = trainer
        self.setup = setup

    def __getattr__(self, name: str) -> Any:
        return getattr(self.trainer, name)

    def load_weights(self, weights: Weights) -> None:
        """As the trainer does, what is to be changed of them changed."""
        self.trainer.load_weights(self.inward(weights))

    def weights(self) -> Weights:
        """As the trainer's, the change undone."""
        return self.outward(self.trainer.weights())

    def batches(self, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        """The order cut as the trainer cuts it."""
        size = self.setup.experiment.batch_size
        return [order[start : start + size] for start in range(0, len(order), size)]

    def inward(self, weights: Weights) -> Weights:
        """What the trainer is given in the place of these."""
        return weights

    def outward(self, weights: Weights) -> Weights:
        """What is read in the place of the trainer's."""
        return weights


class TransposedKernel(Wrapper):
    """(out, in) taken for (in, out): a square kernel raises no error."""

    def inward(self, weights: Weights) -> Weights:
        """Its second dense kernel turned."""
        return weights | {"dense_2/kernel": np.ascontiguousarray(weights["dense_2/kernel"].T)}

    outward = inward


class FlattenOrderMixedUp(Wrapper):
    """The rows behind a Flatten in (channel, height, width) order, taken to be in the other."""

    def inward(self, weights: Weights) -> Weights:
        """Rows in the other order."""
        return weights | {"dense/kernel": _moved(weights["dense/kernel"], (5, 5, 64), (2, 0, 1))}

    def outward(self, weights: Weights) -> Weights:
        """And back."""
        return weights | {"dense/kernel": _moved(weights["dense/kernel"], (64, 5, 5), (1, 2, 0))}


class BiasesNotLoaded(Wrapper):
    """Kernels alone are loaded."""

    def inward(self, weights: Weights) -> Weights:
        """Zeros for biases."""
        return {
            name: np.zeros_like(array) if name.endswith("/bias") else array
            for name, array in weights.items()
        }


class NoNumber(Wrapper):
    """Answers that are no numbers."""

    def logits(self, images: Images) -> Logits:
        return np.full_like(self.trainer.logits(images), np.nan)


class OneBatchOutOfOrder(Wrapper):
    """Two neighbouring batches of the epoch change places."""

    def __init__(self, trainer: Trainer, setup: Setup) -> None:
        super().__init__(trainer, setup)
        self.calls = 0
        (order,) = segments(setup.experiment, setup.seed, len(setup.train_labels))
        self.expected = self.batches(order)

    def arrange(self, order: NDArray[np.int64]) -> None:
        if len(order) > self.setup.experiment.batch_size:  # all of them, in one call
            return self.trainer.arrange(order)
        np.testing.assert_array_equal(order, self.expected[self.calls])
        swapped = {OUT_OF_ORDER: OUT_OF_ORDER + 1, OUT_OF_ORDER + 1: OUT_OF_ORDER}
        self.trainer.arrange(self.expected[swapped.get(self.calls, self.calls)])
        self.calls += 1


class SkipsSteps(Wrapper):
    """Takes every second batch alone."""

    def arrange(self, order: NDArray[np.int64]) -> None:
        self.trainer.arrange(np.concatenate(self.batches(order)[::2]))


class TakesHalves(Wrapper):
    """A step for every batch, on its first half alone."""

    def arrange(self, order: NDArray[np.int64]) -> None:
        self.halves = [batch[: max(1, len(batch) // 2)] for batch in self.batches(order)]

    def train(self) -> None:
        for half in self.halves:
            self.trainer.arrange(half)
            self.trainer.train()


class SeesTheSame(Wrapper):
    """Of two replicas the second is given the share of the first."""

    def arrange(self, order: NDArray[np.int64]) -> None:
        halves = [batch[: (len(batch) + 1) // 2] for batch in self.batches(order)]
        self.trainer.arrange(np.concatenate([[*half, *half] for half in halves]).astype(np.int64))


class KeepsAnswers(Wrapper):
    """Answers as it answered the first time so many images were asked about."""

    def __init__(self, trainer: Trainer, setup: Setup) -> None:
        super().__init__(trainer, setup)
        self.kept: dict[int, Logits] = {}

    def logits(self, images: Images) -> Logits:
        if len(images) not in self.kept:
            self.kept[len(images)] = self.trainer.logits(images)
        return self.kept[len(images)]


class StaleCode(Wrapper):
    """Evaluates by code that was compiled with the weights of long ago in it."""

    def warm_up(self) -> None:
        self.frozen = self.trainer.weights()
        self.trainer.warm_up()

    def logits(self, images: Images) -> Logits:
        weights = self.trainer.weights()
        self.trainer.load_weights(self.frozen)
        logits = self.trainer.logits(images)
        self.trainer.load_weights(weights)
        return logits


class WorksLater(Wrapper):
    """A device that does in its own time, after call and call, what it has been given.

    Whatever is read from it waits, as reading from a GPU does.
    """

    CALL_S = 0.2  # that it takes for each call of train(), at least

    def __init__(self, trainer: Trainer, setup: Setup) -> None:
        super().__init__(trainer, setup)
        self.todo: SimpleQueue[threading.Event | None] = SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            reached = self.todo.get()
            if reached is not None:
                reached.set()
                continue
            time.sleep(self.CALL_S)
            self.trainer.train()

    def wait(self) -> None:
        """Return when all that it has been given is done."""
        reached = threading.Event()
        self.todo.put(reached)
        reached.wait()

    def arrange(self, order: NDArray[np.int64]) -> None:
        self.wait()
        self.trainer.arrange(order)

    def train(self) -> None:
        self.todo.put(None)

    def synchronize(self) -> None:
        self.wait()

    def steps_done(self) -> int:
        self.wait()
        return self.trainer.steps_done()

    def mean_loss(self) -> float:
        self.wait()
        return self.trainer.mean_loss()


class NeverWaits(WorksLater):
    """The same device, and a synchronize() that returns at once."""

    def synchronize(self) -> None:
        """Nothing."""


def _moved(
    kernel: NDArray[np.float32], shape: tuple[int, ...], axes: tuple[int, ...]
) -> NDArray[np.float32]:
    rows = kernel.reshape(*shape, -1).transpose(*axes, 3)
    return np.ascontiguousarray(rows).reshape(kernel.shape)


if __name__ == "__main__":  # tells what an earlier run has left for this one's compiler
    cache = Path(os.environ["TORCHINDUCTOR_CACHE_DIR"])
    cache.mkdir(exist_ok=True)
    parent = processes.Parent()
    parent.request(object)
    parent.tell([path.name for path in cache.iterdir()])
    (cache / "compiled").touch()
