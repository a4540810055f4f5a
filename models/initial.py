"""The initial weights that every framework is given, drawn by NumPy from the seed.

The frameworks' own are drawn by their own generators from their own distributions: with the
same seed two of them start at different places, and a lucky start is no merit of a framework.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def draw(like: Mapping[str, NDArray[Any]], seed: int) -> dict[str, Array]:
    """Glorot-uniform kernels and zero biases, float32, with the names and shapes of ``like``.

    A kernel is uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16),
    which is Keras's default. Each tensor has a generator of its own, of the seed and its place:
    it is the same however large those before it are. The generators are children of the seed's
    (NumPy's ``SeedSequence.spawn``), and so share no numbers with those of the order of images.

    Args:
        like: tensors of a network in the neutral layout and in layer order; whatever has one
            axis is a bias.
        seed: of the run.
    """
    generators = np.random.default_rng(seed).spawn(len(like))
    return {
        name: _tensor(array.shape, random)
        for (name, array), random in zip(like.items(), generators, strict=True)
    }


def _tensor(shape: tuple[int, ...], random: np.random.Generator) -> Array:
    if len(shape) == 1:
        return np.zeros(shape, np.float32)
    bound = np.sqrt(6 / sum(fans(shape)))
    return random.uniform(-bound, bound, shape).astype(np.float32)


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many values an output of a kernel is summed from, and how many an input flows into.

    ``shape``: (in, out) of a dense layer, (height, width, in, out) of a convolution, where
    each counts once for every place of the window.
    """
    *window, inputs, outputs = shape
    places = int(np.prod(window))
    return places * inputs, places * outputs
