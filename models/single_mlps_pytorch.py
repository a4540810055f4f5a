"""Multi-layer perceptrons with one hidden layer in PyTorch: ``mlp-small`` and ``mlp-wide``.

layer     output shape   parameters
flatten   (b, 784)
dense     (b, H)            785·H     784·H + H
logits    (b, C)            (H + 1)·C
                             50,890   for H = 64 and C = 10; 51,930 for C = 26
                            814,090   for H = 1024 and C = 10; 830,490 for C = 26

``mlp-small`` (H = 64) is one member of the ensembles, alone. ``ensemble_mlp_pytorch.py`` and
``adaboost_mlp_pytorch.py`` build their members with this file, one after the other, so the first
of them starts where ``mlp-small`` starts with the same seed. Weights start as PyTorch draws them.

``mlp-wide`` (H = 1024) has an ensemble's parameters in one network: 16 of ``mlp-small`` have
814,240 for C = 10, the same hidden units and 15 · C biases more, since each member has logits of
its own. What the ensemble gains beyond this network is therefore not gained by its size.
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
