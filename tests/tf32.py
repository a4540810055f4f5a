"""TF32 without a GPU: the NumPy trainer, whose products see their operands as a tensor core does.

TF32 keeps 10 of float32's 23 explicit bits, and adds up the products in float32 (NVIDIA A100
Tensor Core GPU Architecture, 2020, 'TF32'). Who multiplies decides what becomes of the other 13:

    nearest   to the nearest, ties away from zero: PTX's ``cvt.rna.tf32.f32``. With it a product
              is PyTorch's own by cuBLAS, exactly (github.com/triton-lang/triton/issues/4574)
    cut_off   the bits are not read, as where a float32 is handed to the tensor core as it is:
              Triton's ``tl.dot`` (the same issue), with which compilers write products too

A product of two such numbers is exact in float32. Sums are float32 in BLAS's order; a tensor core
has its own, and cuts off where BLAS rounds (Fasi, Higham, Mikaitis and Pranesh, 'Numerical behavior
of NVIDIA tensor cores', 2021). Tried once, after every eight terms: logits were as far from the
referee as before, to within 15 %, from three starts of each network. All that is no product of
matrices or convolution stays float32: biases and their gradients, ReLU, loss, optimiser.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.checks.trial import Create
from bench.trainers import Setup
from bench.trainers.numpy import NumPyTrainer
from models.layers_numpy import Trainable

TF32_BITS, BFLOAT16_BITS = 10, 7  # explicit bits of the mantissa; float32 has 23

Float32 = NDArray[np.float32]
Rounding = Callable[[Float32], Float32]


def nearest(values: Float32, bits: int = TF32_BITS) -> Float32:
    """To the nearest number of so many bits, ties away from zero; of finite float32."""
    half = np.uint32(1 << (22 - bits))
    return _cut(values.view(np.uint32) + half, bits)


def cut_off(values: Float32, bits: int = TF32_BITS) -> Float32:
    """Towards zero, to a number of so many bits."""
    return _cut(values.view(np.uint32), bits)


def _cut(words: NDArray[np.uint32], bits: int) -> Float32:
    kept: NDArray[np.uint32] = words & np.uint32(0xFFFFFFFF << (23 - bits) & 0xFFFFFFFF)
    return kept.view(np.float32)


def trainers(rounding: Rounding = nearest) -> Create:
    """Makes trainers whose every product, forward and backward, rounds what it multiplies."""

    def product(left: Float32, right: Float32, out: Float32) -> Float32:
        return np.matmul(rounding(left), rounding(right), out=out)

    return lambda setup: Emulated(setup, product)


class Emulated(NumPyTrainer):
    """The NumPy trainer, its products and convolutions by another multiplication."""

    def __init__(self, setup: Setup, product: Callable[..., Any]) -> None:
        super().__init__(setup)
        self._product = product

    def build(self) -> None:
        super().build()
        for layer in self._network.layers.values():
            if isinstance(layer, Trainable):
                layer.product = self._product
