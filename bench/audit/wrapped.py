"""A trainer behind another's face: everything is passed on. A subclass changes one method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.trainers import Images, Logits, Trainer, Weights


class Wrapped:
    """See ``bench.trainers.Trainer``; written out, so that the type checker misses nothing."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self.parameter_count = 0

    def build(self) -> None:
        self._trainer.build()
        self.parameter_count = self._trainer.parameter_count

    def transfer(self) -> None:
        self._trainer.transfer()

    def warm_up(self) -> None:
        self._trainer.warm_up()

    def warm_up_predictions(self) -> None:
        self._trainer.warm_up_predictions()

    def renew(self, images: Images) -> None:
        self._trainer.renew(images)

    def arrange(self, order: NDArray[np.int64]) -> None:
        self._trainer.arrange(order)

    def train(self) -> None:
        self._trainer.train()

    def mean_loss(self) -> float:
        return self._trainer.mean_loss()

    def logits(self, images: Images) -> Logits:
        return self._trainer.logits(images)

    def infer(self, images: Images) -> Logits:
        return self._trainer.infer(images)

    def synchronize(self) -> None:
        self._trainer.synchronize()

    def weights(self) -> Weights:
        return self._trainer.weights()

    def load_weights(self, weights: Weights) -> None:
        self._trainer.load_weights(weights)

    def save(self, path: Path) -> None:
        self._trainer.save(path)

    def peak_device_memory_bytes(self) -> int | None:
        return self._trainer.peak_device_memory_bytes()

    def settings(self) -> dict[str, str]:
        return self._trainer.settings()
