"""The textbook's loop in JAX: a jitted step, called with a NumPy batch each time.

The network is that of the textbook rung in PyTorch without dropout, which wants a key in each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax

from bench.ladder.climb import Material
from bench.ladder.jax.loop import Loop, Rung, dense, largest, normalised, slid

SEEDS = 2


def shapes(classes: int) -> dict[str, tuple[int, ...]]:
    """Of the weights."""
    return {
        "conv_1/kernel": (3, 3, 1, 32),
        "conv_1/bias": (32,),
        "conv_2/kernel": (3, 3, 32, 64),
        "conv_2/bias": (64,),
        "dense/kernel": (1600, 128),
        "dense/bias": (128,),
        "logits/kernel": (128, classes),
        "logits/bias": (classes,),
    }


def network(weights: Any, images: jax.Array, rung: Rung) -> jax.Array:
    """(b, 28, 28) -> (b, classes)."""
    values = images[..., None]
    for name in ("conv_1", "conv_2"):
        values = rung.convolution(values, weights[f"{name}/kernel"], 1) + weights[f"{name}/bias"]
        values = largest(jax.nn.relu(values))
    values = jax.nn.relu(dense(weights, "dense", values.reshape(len(values), -1)))
    return dense(weights, "logits", values)


def from_host(loop: Loop, material: Material) -> Iterator[None]:
    """Batches are cut and normalised by NumPy, and carried to the device in each step."""
    size, n = loop.batch_size, len(material.labels)
    for epoch in range(loop.rung.epochs):
        order, rates = loop.order(epoch, n), loop.rates(epoch, n)
        for at, rate in enumerate(rates):
            batch = order[at * size : (at + 1) * size]
            images = normalised(material.images[batch], material)
            loop.state = loop.step(loop.state, images, material.labels[batch], rate)
        yield


RUNG = Rung(
    shapes=shapes,
    network=network,
    convolution=slid,
    batch_size=64,
    epochs=10,
    rate=lambda share: 1e-3,
    drive=from_host,
)
