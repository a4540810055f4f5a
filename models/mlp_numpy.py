"""The multi-layer perceptron in NumPy. ``mlp_pytorch.py`` and ``mlp_keras.py`` are the same.

layer       output shape   parameters
flatten     (b, 784)
dense_1     (b, 512)          401,920   784·512 + 512
dense_2     (b, 512)          262,656   512·512 + 512
logits      (b, C)              513·C   5,130 for C = 10; 13,338 for C = 26
                              669,706   for C = 10; 677,914 for C = 26
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from models.layers_numpy import Dense, Dropout, Flatten, Network, ReLU


def build(classes: int, *, dropout: bool = True, dtype: DTypeLike = np.float32) -> Network:
    """(b, 28, 28) images in, (b, classes) logits of ``dtype`` out; the weights are zero.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    random = np.random.default_rng(0)  # until the network is given a seed
    return Network(
        {
            "flatten": Flatten(),
            "dense_1": Dense(28 * 28, 512, dtype),
            "relu_1": ReLU(),
            "dropout_1": Dropout(0.2 * dropout, random),
            "dense_2": Dense(512, 512, dtype),
            "relu_2": ReLU(),
            "dropout_2": Dropout(0.2 * dropout, random),
            "logits": Dense(512, classes, dtype),
        },
        dtype=dtype,
        random=random,
    )
