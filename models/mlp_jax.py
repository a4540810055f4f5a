"""The multi-layer perceptron in plain JAX. ``mlp_keras.py`` is the same network in Keras.

layer       output shape   parameters
flatten     (b, 784)
dense_1     (b, 512)          401,920   784·512 + 512
dense_2     (b, 512)          262,656   512·512 + 512
logits      (b, C)              513·C   5,130 for C = 10; 13,338 for C = 26
                              669,706   for C = 10; 677,914 for C = 26
"""

from __future__ import annotations

import jax

from models import layers_jax as layers
from models.layers_jax import Key, Network, Weights


def build(classes: int, *, dropout: bool = True) -> Network:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout=False`` sets every rate to zero and changes nothing else.
    """
    rate = 0.2 * dropout

    def features(weights: Weights, images: jax.Array, key: Key) -> jax.Array:
        first, second = layers.split(key, 2)
        values = layers.flatten(images)
        values = layers.relu(layers.dense(weights, "dense_1", values))
        values = layers.dropout(values, rate, first)
        values = layers.relu(layers.dense(weights, "dense_2", values))
        return layers.dropout(values, rate, second)

    return Network(
        shapes={
            "dense_1/kernel": (28 * 28, 512),
            "dense_1/bias": (512,),
            "dense_2/kernel": (512, 512),
            "dense_2/bias": (512,),
            "logits/kernel": (512, classes),
            "logits/bias": (classes,),
        },
        features=features,
        rates=(rate, rate),
    )
