"""A cheaper network, at 128 images a step: 16 and 32 channels, a stride for the first pooling."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax

from bench.ladder.jax import rung_02_target as former
from bench.ladder.jax.loop import Rung, dense, largest

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


RUNG = replace(former.RUNG, shapes=shapes, network=network, batch_size=128, rate=lambda share: 2e-3)
