"""The whole epoch in one graph: Keras's own train_step in a loop that TensorFlow runs, without fit.

The images lie in the graph's memory, and a batch is gathered there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import tensorflow as tf

from bench.ladder.climb import Material
from bench.ladder.keras_tensorflow import rung_05_one_cycle as former
from bench.ladder.keras_tensorflow.loop import Loop, normalised


def at_once(loop: Loop) -> Callable[[Material], int]:
    """One call an epoch; the program is for any number of steps."""
    model, size = loop.model, loop.batch_size

    signature = [
        tf.TensorSpec((None, 28, 28), tf.float32),
        tf.TensorSpec((None,), tf.int32),
        tf.TensorSpec((None,), tf.int64),
    ]

    @tf.function(input_signature=signature)  # type: ignore[untyped-decorator]
    def epoch(images: Any, labels: Any, order: Any) -> None:
        for start in tf.range(0, tf.shape(order)[0], size):
            batch = order[start : start + size]
            model.train_step((tf.gather(images, batch), tf.gather(labels, batch)))

    def train(material: Material) -> int:
        n, done = len(material.labels), 0
        images = tf.constant(normalised(material.images, material))
        labels = tf.constant(material.labels.astype("int32"))
        for number in range(loop.rung.epochs):
            order = loop.order(number, n)
            epoch(images, labels, tf.constant(order))
            done += -(-len(order) // size)
        return done

    return train


RUNG = replace(former.RUNG, program=at_once)
