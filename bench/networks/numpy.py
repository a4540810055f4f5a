"""A saved network in plain NumPy: where no framework is installed, and of runs of NumPy itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

import models
from bench.networks import Features, Network, misfits
from bench.saved_models import Card
from bench.trainers import Images, Logits
from models import layout
from models.network_numpy import Network as Chain

PASS = 128  # images that go through together: windows of 1,024 would fill 140 MB


def restore(path: Path, card: Card) -> Network:
    """The network of a ``.safetensors`` file.

    Raises SavedModelError where NumPy has no such architecture, or the weights are not its own.
    """
    weights = load_file(path)
    with misfits(path, card):
        chain = models.load(card.architecture, "numpy").build(len(card.class_names))
        layout.check_weights(weights, chain.parameters)
    for name, array in chain.parameters.items():
        array[...] = weights[name]
    return NumPyNetwork(chain)


class NumPyNetwork:
    """See ``bench.networks.Network``."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        but_last = dict(list(chain.layers.items())[:-1])
        self._body = Chain(but_last, dtype=chain.dtype, random=chain.random)

    def logits(self, images: Images) -> Logits:
        return _forward(self._chain, images)

    def infer(self, images: Images) -> Logits:
        return _forward(self._chain, images)

    def features(self, images: Images) -> Features | None:
        return _forward(self._body, images)


def _forward(chain: Chain, images: Images) -> Logits:
    starts = range(0, len(images), PASS)
    # Copied: a chain writes over what it returned.
    return np.concatenate([chain.forward(images[start : start + PASS]).copy() for start in starts])
