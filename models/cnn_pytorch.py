"""The convolutional network in PyTorch. ``cnn_keras.py`` is the same network in Keras.

    layer       output shape      parameters
    channel     (b, 1, 28, 28)
    conv_1      (b, 32, 26, 26)          320   3·3·1·32 + 32
    pool_1      (b, 32, 13, 13)
    conv_2      (b, 64, 11, 11)       18,496   3·3·32·64 + 64
    pool_2      (b, 64, 5, 5)                  the odd last row and column are dropped
    flatten     (b, 1600)                      in (channel, height, width) order
    dense       (b, 128)             204,928   1600·128 + 128
    logits      (b, C)                 129·C   1,290 for C = 10; 3,354 for C = 26
                                     225,034   for C = 10; 227,098 for C = 26

PyTorch puts the channels first and Keras puts them last, so the rows of ``dense`` come in
another order here: ``models/weights.py`` translates.
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
            channel=nn.Unflatten(1, (1, 28)),
            conv_1=nn.Conv2d(1, 32, kernel_size=3),
            relu_1=nn.ReLU(),
            pool_1=nn.MaxPool2d(2),
            conv_2=nn.Conv2d(32, 64, kernel_size=3),
            relu_2=nn.ReLU(),
            pool_2=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            dense=nn.Linear(64 * 5 * 5, 128),
            relu_3=nn.ReLU(),
            dropout=nn.Dropout(0.5 * dropout),
            logits=nn.Linear(128, classes),
        )
    )
