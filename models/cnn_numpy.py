"""The convolutional network in NumPy. ``cnn_pytorch.py`` and ``cnn_keras.py`` are the same.

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

import numpy as np
from numpy.typing import DTypeLike

from models.layers_numpy import (
    Convolution,
    Dense,
    Dropout,
    Flatten,
    MaxPooling,
    Network,
    ReLU,
    Reshape,
)


def build(classes: int, *, dropout: bool = True, dtype: DTypeLike = np.float32) -> Network:
    """(b, 28, 28) images in, (b, classes) logits of ``dtype`` out; the weights are zero.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    random = np.random.default_rng(0)  # until the network is given a seed
    return Network(
        {
            "channel": Reshape(28, 28, 1),
            "conv_1": Convolution(1, 32, 3, dtype),
            "relu_1": ReLU(),
            "pool_1": MaxPooling(),
            "conv_2": Convolution(32, 64, 3, dtype),
            "relu_2": ReLU(),
            "pool_2": MaxPooling(),
            "flatten": Flatten(),
            "dense": Dense(64 * 5 * 5, 128, dtype),
            "relu_3": ReLU(),
            "dropout": Dropout(0.5 * dropout, random),
            "logits": Dense(128, classes, dtype),
        },
        dtype=dtype,
        random=random,
    )
