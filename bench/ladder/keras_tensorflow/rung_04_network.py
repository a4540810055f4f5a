"""A cheaper network: 16 and 32 channels, a stride in place of the first pooling, no dropout."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras
from keras import layers

from bench.ladder.keras_tensorflow import rung_03_batch as former


def network(classes: int) -> Any:
    """(b, 28, 28) -> (b, classes)."""
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(16, 5, strides=2, activation="relu"),
            *(layers.Conv2D(32, 3), layers.MaxPooling2D(), layers.ReLU()),
            *(layers.Flatten(), layers.Dense(64, activation="relu")),
            layers.Dense(classes, dtype="float32"),
        ]
    )


RUNG = replace(former.RUNG, network=network)
