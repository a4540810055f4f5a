"""The wide multi-layer perceptron in PyTorch: an ensemble's parameters in one network.

layer     output shape   parameters
flatten   (b, 784)
dense     (b, 1024)         803,840   784·1024 + 1024
logits    (b, C)             1025·C   10,250 for C = 10; 26,650 for C = 26
                            814,090   for C = 10; 830,490 for C = 26

16 networks of 784-64-C have 16 · 50,890 = 814,240 parameters for C = 10 (830,880 for C = 26): the
same hidden units, and 15 · C biases more, since each member has logits of its own. What the
ensemble gains beyond this network is therefore not gained by its size.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from models.members import HIDDEN, MEMBERS


def build(classes: int, *, dropout: bool = True) -> nn.Sequential:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout`` changes nothing: the network has none.
    """
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            dense=nn.Linear(28 * 28, MEMBERS * HIDDEN),
            relu=nn.ReLU(),
            logits=nn.Linear(MEMBERS * HIDDEN, classes),
        )
    )
