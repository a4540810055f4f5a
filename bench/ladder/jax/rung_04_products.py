"""Convolutions as products: windows side by side, times the kernel as a matrix.

XLA's gradient of a convolution's kernel takes several times as long as the forward pass on a CPU;
that of a product takes as long.
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp

from bench.ladder.jax import rung_03_one_cycle as former


def product(images: jax.Array, kernel: jax.Array, stride: int) -> jax.Array:
    """(b, h, w, in) and (height, width, in, out), as ``slid``."""
    height, width, channels, filters = kernel.shape
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    windows = [
        images[:, top : top + rows : stride, left : left + columns : stride]
        for top in range(height)
        for left in range(width)
    ]
    return jnp.concatenate(windows, axis=-1) @ kernel.reshape(height * width * channels, filters)


RUNG = replace(former.RUNG, convolution=product)
