"""The textbook's loop in JAX: a jitted step, called with a NumPy batch each time.

The network is already the cheaper one: with the textbook's, XLA on two cores takes minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax

from bench.ladder.climb import Material
from bench.ladder.jax.loop import Loop, Rung, dense, largest, normalised, slid

SEEDS = 5


def shapes(classes: int) -> dict[str, tuple[int, ...]]:
    """Of the weights."""
    return {
        "conv_1/kernel": (5, 5, 1, 16),
        "conv_1/bias": (16,),
        "conv_2/kernel": (3, 3, 16, 32),
        "conv_2/bias": (32,),
        "dense/kernel": (800, 64),
        "dense/bias": (64,),
        "logits/kernel": (64, classes),
        "logits/bias": (classes,),
    }


def network(weights: Any, images: jax.Array, rung: Rung) -> jax.Array:
    """(b, 28, 28) -> (b, classes)."""
    values = rung.convolution(images[..., None], weights["conv_1/kernel"], 2)
    values = jax.nn.relu(values + weights["conv_1/bias"])
    values = rung.convolution(values, weights["conv_2/kernel"], 1) + weights["conv_2/bias"]
    values = jax.nn.relu(largest(values))
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
    batch_size=128,
    epochs=10,
    rate=lambda share: 2e-3,
    drive=from_host,
)
