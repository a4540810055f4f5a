"""Weights between PyTorch's layout and the neutral one, which is Keras's. NumPy only.

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

_CONVOLUTION_AXES = 4


def from_pytorch(state: Mapping[str, NDArray[np.float32]]) -> Arrays:
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
            weights[f"{layer}/kernel"] = _channels_last(np.ascontiguousarray(array.T), channels)
            channels = 1
    return weights


def to_pytorch(weights: Mapping[str, NDArray[np.float32]]) -> Arrays:
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
            state[f"{layer}.weight"] = np.ascontiguousarray(_channels_first(array, channels).T)
            channels = 1
    return state


def check_weights(given: Mapping[str, NDArray[Any]], wanted: Mapping[str, NDArray[Any]]) -> None:
    """Compare names and shapes of neutral weights with those of the network they are for.

    Raises ValueError naming the first that is missing, unknown, or of another shape.
    """
    missing = [name for name in wanted if name not in given]
    unknown = [name for name in given if name not in wanted]
    if missing or unknown:
        raise ValueError(
            f"weights of another network: missing {missing}, unknown {unknown}; "
            f"wanted {list(wanted)}"
        )
    for name, array in wanted.items():
        if given[name].shape != array.shape:
            raise ValueError(
                f"weights of another network: {name} has the shape {given[name].shape}, "
                f"wanted {array.shape}"
            )


def _channels_last(kernel: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """(in, out), rows in (channel, pixel) order -> rows in (pixel, channel) order."""
    rows, outputs = kernel.shape
    by_channel = kernel.reshape(channels, rows // channels, outputs)
    return np.ascontiguousarray(by_channel.swapaxes(0, 1)).reshape(rows, outputs)


def _channels_first(kernel: NDArray[np.float32], channels: int) -> NDArray[np.float32]:
    """(in, out), rows in (pixel, channel) order -> rows in (channel, pixel) order."""
    rows, outputs = kernel.shape
    by_pixel = kernel.reshape(rows // channels, channels, outputs)
    return np.ascontiguousarray(by_pixel.swapaxes(0, 1)).reshape(rows, outputs)
