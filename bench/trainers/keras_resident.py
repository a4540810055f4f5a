"""Keras without ``fit``: its own ``train_step`` over data that lie on the device.

``fit`` takes arrays of the host and carries every batch to the device, which is what its users do
and what the other executions do. Here images and labels lie there before the clock starts,
batches are taken by index, and the step is Keras's still: forward pass, loss, gradients, optimiser
and the mean of the loss are those that ``fit`` would have called.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from bench.trainers import Images
from bench.trainers.batches import in_pieces, warm_up_order
from bench.trainers.keras import KerasTrainer


class ResidentTrainer(KerasTrainer):
    """See ``bench.trainers.Trainer``; it comes before the trainer of a backend, to change it."""

    train_waits = False

    @abstractmethod
    def _to_device(self, array: NDArray[Any]) -> Any:
        """A tensor of the backend on the device, with the values of an array."""

    @abstractmethod
    def _advance(self, batches: Any) -> None:
        """One ``train_step`` for each row of (steps, b) indices on the device."""

    def transfer(self) -> None:
        self._labels = self._to_device(self._setup.train_labels.astype(np.int32))
        self.renew(self._setup.train_images)

    def renew(self, images: Images) -> None:
        self._train_images = images
        self._images = self._to_device(images)

    def warm_up(self) -> None:
        with self._ending_as_it_began():
            for order in self._warm_up_orders():
                self.arrange(order)
                self.train()

    def _warm_up_orders(self) -> list[NDArray[np.int64]]:
        images, batch_size = len(self._train_images), self._setup.experiment.batch_size
        return [warm_up_order(images, batch_size)]

    def arrange(self, order: NDArray[np.int64]) -> None:
        pieces = in_pieces(order.astype(np.int32), self._setup.experiment.batch_size)
        self._pieces = [self._to_device(piece) for piece in pieces]

    def train(self) -> None:
        with self._on_device():
            self._model.reset_metrics()
            for batches in self._pieces:
                self._advance(batches)

    def mean_loss(self) -> float:
        # Keras's own mean, in which batches weigh what they have of images.
        return float(keras.ops.convert_to_numpy(self._model.get_metrics_result()["loss"]))
