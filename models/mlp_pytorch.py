"""The multi-layer perceptron in PyTorch. ``mlp_keras.py`` is the same network in Keras.

layer       output shape   parameters
flatten     (b, 784)
dense_1     (b, 512)          401,920   784·512 + 512
dense_2     (b, 512)          262,656   512·512 + 512
logits      (b, C)              513·C   5,130 for C = 10; 13,338 for C = 26
                              669,706   for C = 10; 677,914 for C = 26
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn


def build(classes: int, *, dropout: bool = True) -> nn.Sequential:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            dense_1=nn.Linear(28 * 28, 512),
            relu_1=nn.ReLU(),
            dropout_1=nn.Dropout(0.2 * dropout),
            dense_2=nn.Linear(512, 512),
            relu_2=nn.ReLU(),
            dropout_2=nn.Dropout(0.2 * dropout),
            logits=nn.Linear(512, classes),
        )
    )
