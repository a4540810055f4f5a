"""The layers in plain JAX, as pure functions, and a network made of them.

The weights are a dictionary of arrays in the neutral layout (``models/weights.py``), so that
``weights["dense_1/kernel"]`` is (in, out). A layer takes them, its name in them and the values that
flow into it, and returns what flows out: it remembers nothing and changes nothing. That is what
lets JAX differentiate, compile and repeat a network as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import jax
import jax.numpy as jnp
from jax import lax

Weights: TypeAlias = Mapping[str, jax.Array]
Key: TypeAlias = jax.Array | None  # from which random numbers are drawn; None: dropout is off
Convolution: TypeAlias = Callable[[Weights, str, jax.Array], jax.Array]
Pooling: TypeAlias = Callable[[jax.Array], jax.Array]


@dataclass(frozen=True, kw_only=True)
class Network:
    """What is to be known of a network: its weights are kept by whoever trains it."""

    shapes: Mapping[str, tuple[int, ...]]  # of its weights, by their names, in layer order
    features: Callable[[Weights, jax.Array, Key], jax.Array]  # (b, 28, 28) images -> (b, d)
    rates: tuple[float, ...]  # of its dropout layers, in their order

    def logits(self, weights: Weights, images: jax.Array, key: Key = None) -> jax.Array:
        """(b, classes) of (b, 28, 28) images, in their dtype; ``key``: given in training."""
        return dense(weights, "logits", self.features(weights, images, key))


def dense(weights: Weights, name: str, values: jax.Array) -> jax.Array:
    """y = x·W + b; (b, in) -> (b, out)."""
    return values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"]


def convolution(weights: Weights, name: str, images: jax.Array) -> jax.Array:
    """Windows times kernel plus bias: (b, h, w, in) -> (b, h - 2, w - 2, out) for a 3x3 kernel."""
    return _slid(images, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]


def _slid(images: jax.Array, kernel: jax.Array, padding: int = 0) -> jax.Array:
    """A kernel (height, width, in, out) slid over images, zeros around them."""
    return lax.conv_general_dilated(
        images,
        kernel,
        window_strides=(1, 1),
        padding=[(padding, padding)] * 2,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )


def convolution_for_loops(weights: Weights, name: str, images: jax.Array) -> jax.Array:
    """The same, with the gradients written out, for a loop that XLA compiles for a CPU.

    Its fast code is for convolutions whose axes are in the order of the forward pass. It brings
    the gradients into that order by itself, but not inside of a loop (jaxlib 0.10.2), where they
    take tens of times as long. Here they are in that order to begin with.
    """
    return _slid_for_loops(images, weights[f"{name}/kernel"]) + weights[f"{name}/bias"]


@jax.custom_vjp
def _slid_for_loops(images: jax.Array, kernel: jax.Array) -> jax.Array:
    return _slid(images, kernel)


def _forward(images: jax.Array, kernel: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    return _slid(images, kernel), (images, kernel)


def _backward(
    kept: tuple[jax.Array, jax.Array], gradient: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """Goodfellow, Bengio and Courville, 'Deep Learning' (2016), section 9.5."""
    images, kernel = kept
    turned = kernel[::-1, ::-1].transpose(0, 1, 3, 2)  # in and out exchanged
    of_images = _slid(gradient, turned, padding=len(kernel) - 1)
    # the images of the batch, over which is summed, in the place of channels
    of_kernel = _slid(images.transpose(3, 1, 2, 0), gradient.transpose(1, 2, 0, 3))
    return of_images, of_kernel.transpose(1, 2, 0, 3)


_slid_for_loops.defvjp(_forward, _backward)


def relu(values: jax.Array) -> jax.Array:
    """max(x, 0), whose derivative at 0 is 0; that of ``jnp.maximum`` would be ½ there."""
    return jax.nn.relu(values)


def max_pooling(images: jax.Array) -> jax.Array:
    """The largest of each 2x2 window, as Keras and Flax ask XLA for it.

    (b, h, w, c) -> (b, h/2, w/2, c); an odd last row or column is dropped.
    """
    square = (1, 2, 2, 1)
    largest: jax.Array = lax.reduce_window(images, -jnp.inf, lax.max, square, square, "VALID")
    return largest


def max_pooling_by_slices(images: jax.Array) -> jax.Array:
    """The same, values and gradients, as a choice between the four pixels of every window.

    The gradient of ``reduce_window`` becomes a scatter in XLA, which a CPU does pixel by pixel on
    one core; that of a choice is a few passes over whole arrays. Of equal pixels the first has the
    gradient, row by row, as there.
    """
    height, width = (size // 2 * 2 for size in images.shape[1:3])
    upper = _larger(images[:, 0:height:2, 0:width:2], images[:, 0:height:2, 1:width:2])
    lower = _larger(images[:, 1:height:2, 0:width:2], images[:, 1:height:2, 1:width:2])
    return _larger(upper, lower)


def _larger(first: jax.Array, second: jax.Array) -> jax.Array:
    return jnp.where(second > first, second, first)


def flatten(images: jax.Array) -> jax.Array:
    """(b, ...) -> (b, d), in (height, width, channel) order."""
    return images.reshape(len(images), -1)


def dropout(values: jax.Array, rate: float, key: Key) -> jax.Array:
    """A share of the values set to zero, the others larger by what that takes from the mean."""
    if key is None or rate == 0:
        return values
    kept = jax.random.bernoulli(key, 1 - rate, values.shape)
    return jnp.where(kept, values / (1 - rate), 0)


def split(key: Key, count: int) -> list[Key]:
    """A key for each of so many layers; None for each where there is none."""
    return [None] * count if key is None else list(jax.random.split(key, count))
