"""Both networks in plain NumPy, from the neutral weights: what every framework must compute."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float32]


def logits(architecture: str, weights: dict[str, Array], images: Array) -> Array:
    """(n, 28, 28) images -> (n, classes), dropout off."""
    return {"mlp": _mlp, "cnn": _cnn}[architecture](weights, images)


def mean_cross_entropy(scores: Array, labels: NDArray[np.int64]) -> float:
    """Mean over the images, natural logarithm."""
    shifted = scores.astype(np.float64) - scores.max(axis=1, keepdims=True)
    log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())


def _mlp(weights: dict[str, Array], images: Array) -> Array:
    hidden = images.reshape(len(images), -1)
    hidden = _relu(_dense(weights, "dense_1", hidden))
    hidden = _relu(_dense(weights, "dense_2", hidden))
    return _dense(weights, "logits", hidden)


def _cnn(weights: dict[str, Array], images: Array) -> Array:
    hidden = images[..., np.newaxis]
    hidden = _halve(_relu(_convolution(weights, "conv_1", hidden)))
    hidden = _halve(_relu(_convolution(weights, "conv_2", hidden)))
    hidden = _relu(_dense(weights, "dense", hidden.reshape(len(images), -1)))
    return _dense(weights, "logits", hidden)


def _dense(weights: dict[str, Array], layer: str, values: Array) -> Array:
    return values @ weights[f"{layer}/kernel"] + weights[f"{layer}/bias"]


def _convolution(weights: dict[str, Array], layer: str, values: Array) -> Array:
    windows = sliding_window_view(values, (3, 3), axis=(1, 2))  # (n, y, x, channel, 3, 3)
    summed: Array = np.einsum(
        "nyxcij,ijco->nyxo", windows, weights[f"{layer}/kernel"], optimize=True
    )
    return summed + weights[f"{layer}/bias"]


def _halve(values: Array) -> Array:
    """2x2 max-pooling; an odd last row or column is dropped."""
    n, height, width, channels = values.shape
    even = values[:, : height // 2 * 2, : width // 2 * 2]
    blocks = even.reshape(n, height // 2, 2, width // 2, 2, channels)
    pooled: Array = blocks.max(axis=(2, 4))
    return pooled


def _relu(values: Array) -> Array:
    return np.maximum(values, 0)
