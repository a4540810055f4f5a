"""The textbook's loop in Keras: ``fit``, Adam at 0.001, a convolutional network with dropout."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers

from bench.ladder.keras_tensorflow.loop import Rung, fitted

SEEDS = 5


def network(classes: int) -> Any:
    """(b, 28, 28) -> (b, classes)."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            *(layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D()),
            *(layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D()),
            *(layers.Flatten(), layers.Dense(128, activation="relu"), layers.Dropout(0.5)),
            layers.Dense(classes, dtype="float32"),
        ]
    )


RUNG = Rung(
    network=network,
    batch_size=64,
    epochs=10,
    optimizer=lambda steps: keras.optimizers.Adam(1e-3),
    program=fitted,
)
