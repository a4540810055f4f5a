"""The multi-layer perceptron in Keras. ``mlp_pytorch.py`` is the same network in PyTorch.

layer       output shape   parameters
flatten     (b, 784)
dense_1     (b, 512)          401,920   784·512 + 512
dense_2     (b, 512)          262,656   512·512 + 512
logits      (b, C)              513·C   5,130 for C = 10; 13,338 for C = 26
                              669,706   for C = 10; 677,914 for C = 26
"""

from __future__ import annotations

import keras
from keras import layers


def build(classes: int, *, dropout: bool = True) -> keras.Sequential:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Flatten(name="flatten"),
            layers.Dense(512, name="dense_1"),
            layers.Activation("relu", name="relu_1"),
            layers.Dropout(0.2 * dropout, name="dropout_1"),
            layers.Dense(512, name="dense_2"),
            layers.Activation("relu", name="relu_2"),
            layers.Dropout(0.2 * dropout, name="dropout_2"),
            layers.Dense(classes, name="logits"),
        ],
        name="mlp",
    )
