"""The small multi-layer perceptron in PyTorch: one member of the ensembles, alone.

layer     output shape   parameters
flatten   (b, 784)
dense     (b, 64)            50,240   784·64 + 64
logits    (b, C)               65·C   650 for C = 10; 1,690 for C = 26
                             50,890   for C = 10; 51,930 for C = 26

Its weights start as PyTorch draws them. ``ensemble_mlp_pytorch.py`` and
``adaboost_mlp_pytorch.py`` build their members with this file, one after the other, so the first
of them starts where this network starts with the same seed.
"""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from models.members import HIDDEN


def build(classes: int, *, dropout: bool = True, hidden: int = HIDDEN) -> nn.Sequential:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout`` changes nothing: the network has none. ``hidden``: units of its hidden layer.
    """
    return nn.Sequential(
        OrderedDict(
            flatten=nn.Flatten(),
            dense=nn.Linear(28 * 28, hidden),
            relu=nn.ReLU(),
            logits=nn.Linear(hidden, classes),
        )
    )
