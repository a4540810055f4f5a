"""Trained networks ready for use: the seam between a saved model and a framework.

Imports no framework: each is imported in its own module here only.

pytorch.py   safetensors -> PyTorch
keras.py     ``.keras`` -> Keras, safe mode, on the backend of the card
numpy.py     safetensors of ``mlp`` and ``cnn`` -> NumPy, where no framework is installed
onnx.py      an exported ``.onnx`` file -> ONNX Runtime
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.trainers import Images, Logits

Features = NDArray[np.float32]


class Network(Protocol):
    """One trained network on the CPU, dropout off."""

    def logits(self, images: Images) -> Logits:
        """(n, classes) of normalised (n, 28, 28) float32 images, in batches of 1,024."""
        ...

    def infer(self, images: Images) -> Logits:
        """(b, classes) of one batch, as latency is measured."""
        ...

    def features(self, images: Images) -> Features | None:
        """(n, d) float32 of the penultimate layer, after its activation; None: it has none."""
        ...
