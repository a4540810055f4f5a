"""The weights of every network: how they begin, and one layout for all frameworks. NumPy only.

To begin with, every framework is given the same, drawn by NumPy from the seed. The frameworks' own
are drawn by their own generators from their own distributions: with the same seed two of them
start at different places, and a lucky start is no merit of a framework.

The neutral layout is Keras's:

                 PyTorch                          neutral
    names        LAYER.weight, LAYER.bias         LAYER/kernel, LAYER/bias
    dense        (out, in)                        (in, out)
    convolution  (out, in, height, width)         (height, width, in, out)

The rows of a dense kernel behind a Flatten follow the images: PyTorch flattens
(channel, height, width), Keras (height, width, channel). Only the channel moves, so the rows
are seen as (channel, pixel) against (pixel, channel), and the channels counted from the
convolution before. This holds for networks that are one chain of layers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Arrays = dict[str, Array]
Shapes = Mapping[str, tuple[int, ...]]

_CONVOLUTION_AXES = 4
MOST_NAMED, MOST_CHARACTERS = 10, 50  # names that an error shows, and characters of one


def initial_weights(like: Mapping[str, NDArray[Any]], seed: int) -> dict[str, Array]:
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
    positions = int(np.prod(window))
    return positions * inputs, positions * outputs


# One layout


def from_pytorch(state: Mapping[str, Array]) -> Arrays:
    """PyTorch's ``state_dict`` as arrays, in layer order -> neutral weights, copied."""
    weights: Arrays = {}
    channels = 1  # of what flows into the next layer; 1 where its rows need no other order
    for name, array in state.items():
        layer, _, kind = name.rpartition(".")
        if kind == "bias":
            weights[f"{layer}/bias"] = array.copy()
        elif array.ndim == _CONVOLUTION_AXES:
            weights[f"{layer}/kernel"] = np.ascontiguousarray(array.transpose(2, 3, 1, 0))
            channels = array.shape[0]
        else:
            weights[f"{layer}/kernel"] = _exchanged(np.ascontiguousarray(array.T), channels)
            channels = 1
    return weights


def to_pytorch(weights: Mapping[str, Array]) -> Arrays:
    """Neutral weights in layer order -> arrays for PyTorch's ``load_state_dict``, copied."""
    state: Arrays = {}
    channels = 1
    for name, array in weights.items():
        layer, _, kind = name.rpartition("/")
        if kind == "bias":
            state[f"{layer}.bias"] = array.copy()
        elif array.ndim == _CONVOLUTION_AXES:
            state[f"{layer}.weight"] = np.ascontiguousarray(array.transpose(3, 2, 0, 1))
            channels = array.shape[3]
        else:
            pixels = len(array) // channels
            state[f"{layer}.weight"] = np.ascontiguousarray(_exchanged(array, pixels).T)
            channels = 1
    return state


def check_weights(given: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]]) -> None:
    """Compare names and shapes of neutral weights with those of the network they are for.

    Raises ValueError naming the first that is missing, unknown, or of another shape.
    """
    given_shapes, wanted_shapes = (
        {name: array.shape for name, array in weights.items()} for weights in (given, wanted)
    )
    check_shapes(given_shapes, wanted_shapes)


def check_shapes(given: Shapes, wanted: Shapes) -> None:
    """As ``check_weights``, of weights whose values are not read yet."""
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing or unknown:
        raise ValueError(
            f"weights of another network: missing {missing}, unknown {_few(unknown)}; "
            f"wanted {list(wanted)}"
        )
    for name, shape in wanted.items():
        if given[name] != shape:
            raise ValueError(
                f"weights of another network: {name} has the shape {given[name]}, wanted {shape}"
            )


def _few(names: list[str]) -> str:
    """Of those in somebody else's file, which may be many and long."""
    shown = [name[:MOST_CHARACTERS] for name in names[:MOST_NAMED]]
    more = len(names) - len(shown)
    return f"{shown}" + (f" and {more:,} more" if more else "")


def _exchanged(kernel: Array, outer: int) -> Array:
    """(rows, out) with its rows in (outer, inner) order -> rows in (inner, outer) order."""
    rows, outputs = kernel.shape
    by_outer = kernel.reshape(outer, rows // outer, outputs)
    return np.ascontiguousarray(by_outer.swapaxes(0, 1)).reshape(rows, outputs)
