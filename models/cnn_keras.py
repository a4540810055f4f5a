"""The convolutional network in Keras. ``cnn_pytorch.py`` is the same network in PyTorch.

layer       output shape      parameters
channel     (b, 28, 28, 1)
conv_1      (b, 26, 26, 32)          320   3·3·1·32 + 32
pool_1      (b, 13, 13, 32)
conv_2      (b, 11, 11, 64)       18,496   3·3·32·64 + 64
pool_2      (b, 5, 5, 64)                  the odd last row and column are dropped
flatten     (b, 1600)                      in (height, width, channel) order
dense       (b, 128)             204,928   1600·128 + 128
logits      (b, C)                 129·C   1,290 for C = 10; 3,354 for C = 26
                                 225,034   for C = 10; 227,098 for C = 26
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
            layers.Reshape((28, 28, 1), name="channel"),
            layers.Conv2D(32, kernel_size=3, name="conv_1"),
            layers.Activation("relu", name="relu_1"),
            layers.MaxPooling2D(2, name="pool_1"),
            layers.Conv2D(64, kernel_size=3, name="conv_2"),
            layers.Activation("relu", name="relu_2"),
            layers.MaxPooling2D(2, name="pool_2"),
            layers.Flatten(name="flatten"),
            layers.Dense(128, name="dense"),
            layers.Activation("relu", name="relu_3"),
            layers.Dropout(0.5 * dropout, name="dropout"),
            layers.Dense(classes, name="logits"),
        ],
        name="cnn",
    )
