"""The convolutional network in plain JAX. ``cnn_keras.py`` is the same network in Keras.

layer       output shape      parameters
channel     (b, 28, 28, 1)
conv_1      (b, 26, 26, 32)          320   3·3·1·32 + 32
pool_1      (b, 13, 13, 32)
conv_2      (b, 11, 11, 64)       18,496   3·3·32·64 + 64
pool_2      (b, 5, 5, 64)                  the odd last row and column are dropped
flatten     (b, 1600)                      in (height, width, channel) order
dense       (b, 128)             204,928   1600·128 + 128
logits      (b, C)                 129·C   1,290 for C = 10; 3,354 for C = 26
                                 225,034   for C = 10; 227,098 for C = 26
"""

from __future__ import annotations

import jax

from models import layers_jax as layers
from models.layers_jax import Convolution, Key, Network, Pooling, Weights


def build(
    classes: int,
    *,
    dropout: bool = True,
    convolution: Convolution = layers.convolution,
    pooling: Pooling = layers.max_pooling,
) -> Network:
    """(b, 28, 28) float32 images in, (b, classes) float32 logits out.

    ``dropout=False`` sets every rate to zero and changes nothing else; ``convolution`` and
    ``pooling`` may be other ways to compute the same.
    """
    rate = 0.5 * dropout

    def features(weights: Weights, images: jax.Array, key: Key) -> jax.Array:
        values = images[..., None]  # one channel
        values = pooling(layers.relu(convolution(weights, "conv_1", values)))
        values = pooling(layers.relu(convolution(weights, "conv_2", values)))
        values = layers.relu(layers.dense(weights, "dense", layers.flatten(values)))
        return layers.dropout(values, rate, key)

    return Network(
        shapes={
            "conv_1/kernel": (3, 3, 1, 32),
            "conv_1/bias": (32,),
            "conv_2/kernel": (3, 3, 32, 64),
            "conv_2/bias": (64,),
            "dense/kernel": (64 * 5 * 5, 128),
            "dense/bias": (128,),
            "logits/kernel": (128, classes),
            "logits/bias": (classes,),
        },
        features=features,
        rates=(rate,),
    )
