"""A network in plain NumPy: a chain of layers, forward and backward, and its weights by name."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models.layers_numpy import Array, Layer, Trainable


class Network:
    """Layers one behind the other; the names are those of the other frameworks' model files.

    ``parameters`` and ``gradients`` are the arrays themselves, keyed ``LAYER/kernel`` and
    ``LAYER/bias`` in layer order and in the neutral layout: an optimiser works on them in place.
    The parameters are zero until they are given values (``models.initial``).
    """

    def __init__(
        self, layers: Mapping[str, Layer], *, dtype: DTypeLike, random: np.random.Generator
    ) -> None:
        """``random``: the generator that the Dropout layers draw from."""
        self.layers = dict(layers)
        self.random = random
        self.dtype = np.dtype(dtype)
        trainable = {name: layer for name, layer in layers.items() if isinstance(layer, Trainable)}
        self.parameters = _by_name({name: it.parameters for name, it in trainable.items()})
        self.gradients = _by_name({name: it.gradients for name, it in trainable.items()})
        self._first = next(iter(trainable.values()))

    def seed(self, seed: int) -> None:
        """Let dropout draw from a seed: numbers of its own, no other's that has this seed."""
        own = np.random.SeedSequence(seed, spawn_key=(0, 0))  # a grandchild: weights get children
        self.random.bit_generator.state = np.random.default_rng(own).bit_generator.state

    def forward(self, images: NDArray[np.floating], *, training: bool = False) -> Array:
        """(b, 28, 28) images -> (b, classes) logits, overwritten by the next call.

        ``training``: whether dropout is on.
        """
        values: Array = np.asarray(images, self.dtype)
        for layer in self.layers.values():
            values = layer.forward(values, training)
        return values

    def backward(self, gradient: Array) -> None:
        """∂L/∂logits -> ``gradients``, by the chain rule from the last layer to the first.

        Ends at the first layer with parameters: nobody asks how the loss depends on the images.
        """
        for layer in reversed(self.layers.values()):
            if layer is self._first:
                break
            gradient = layer.backward(gradient)
        self._first.parameter_gradients(gradient)


def _by_name(arrays: Mapping[str, Mapping[str, Array]]) -> dict[str, Array]:
    return {
        f"{layer}/{kind}": array for layer, own in arrays.items() for kind, array in own.items()
    }
