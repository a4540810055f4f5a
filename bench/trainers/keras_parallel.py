"""Keras on several replicas: devices of one process, each with its share of every batch.

``fit`` shares out, adds up and averages; what is built and trained inside of a backend's scope is
on all devices. Answers come from a copy of the network outside of it, as from a single device.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.experiment import PARALLEL
from bench.trainers import Images, Logits, Weights, WrongWorld
from bench.trainers.keras import KerasTrainer
from bench.trainers.keras_network import KerasNetwork


class Part(NamedTuple):
    """What one call of ``fit`` is given."""

    images: Any
    labels: Any
    weights: NDArray[np.float32] | None  # of each image; None: all count alike
    batch_size: int
    counted: int  # images, those that have weight


class ParallelTrainer(KerasTrainer):
    """See ``bench.trainers.Trainer``; it comes before the trainer of a backend, to change it."""

    @abstractmethod
    def _scope(self) -> AbstractContextManager[Any]:
        """What is built and trained inside is on all replicas."""

    @abstractmethod
    def _sharing(self) -> int:
        """How many devices hold the weights, as the backend tells of its variables."""

    def _on_device(self) -> AbstractContextManager[Any]:
        return self._scope()

    def build(self) -> None:
        super().build()
        asked, sharing = self._setup.experiment.replicas, self._sharing()
        if sharing != asked:
            raise WrongWorld(
                f"{asked} replicas were asked for, and the weights are on {sharing}: the backend "
                "was started with too few devices"
            )
        self._classifier = KerasNetwork(self._fresh())
        self._stale = True

    def arrange(self, order: NDArray[np.int64]) -> None:
        size, replicas = self._setup.experiment.batch_size, self._setup.experiment.replicas
        rest = len(order) % size
        odd = rest if rest % replicas else 0
        full = order[: len(order) - odd]
        self._parts = [self._part(full, None, size, len(full))] if len(full) else []
        if odd:
            # A short batch that cannot be shared out evenly is filled up with images of no weight;
            # those that count weigh more by as much, since Keras divides by how many there are.
            filled = -(-odd // replicas) * replicas
            weights = np.where(np.arange(filled) < odd, filled / odd, 0).astype(np.float32)
            short = np.resize(order[len(full) :], filled)
            self._parts.append(self._part(short, weights, filled, odd))

    def _part(
        self, order: NDArray[np.int64], weights: NDArray[np.float32] | None, size: int, counted: int
    ) -> Part:
        super().arrange(order)
        return Part(*self._arranged, weights=weights, batch_size=size, counted=counted)

    def train(self) -> None:
        losses = []
        with self._on_device():
            for part in self._parts:
                history = self._model.fit(
                    part.images,
                    part.labels,
                    sample_weight=part.weights,
                    batch_size=part.batch_size,
                    epochs=1,
                    shuffle=False,
                    verbose=0,
                )
                losses.append(float(history.history["loss"][0]))
        self._mean_loss = float(np.average(losses, weights=[part.counted for part in self._parts]))
        self._stale = True

    def logits(self, images: Images) -> Logits:
        self._refresh()
        with self._random_state_kept():
            return self._classifier.logits(images)

    def infer(self, images: Images) -> Logits:
        self._refresh()
        return self._classifier.infer(images)

    def _refresh(self) -> None:
        """Give what answers the weights as they are now."""
        if self._stale:
            variables = self._classifier.model.trainable_variables
            for variable, value in zip(variables, self.weights().values(), strict=True):
                variable.assign(value)
            self._stale = False

    def load_weights(self, weights: Weights) -> None:
        super().load_weights(weights)
        self._stale = True

    def save(self, path: Path) -> None:
        self._refresh()
        self._classifier.model.save(path)

    @contextmanager
    def _ending_as_it_began(self) -> Iterator[None]:
        with super()._ending_as_it_began():
            yield
        self._stale = True

    def _if_shared(self, execution: str) -> str:
        """How training is executed, if each device does so, and all have the weights."""
        return PARALLEL if self._sharing() == self._setup.experiment.replicas else execution

    def settings(self) -> dict[str, str]:
        return super().settings() | {"replicas": str(self._sharing())}
