"""Trained networks ready for use: the seam between a saved model and a framework.

Imports no framework: each is imported in its own module here only.

pytorch.py   safetensors -> PyTorch
keras.py     ``.keras`` -> Keras, safe mode, on the backend of the card
numpy.py     safetensors of ``mlp`` and ``cnn`` -> NumPy, where no framework is installed
onnx.py      an exported ``.onnx`` file -> ONNX Runtime
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.saved_models import Card, SavedModelError
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


@contextmanager
def misfits(path: Path, card: Card) -> Iterator[None]:
    """A ValueError inside, from models or weights that do not fit a card, names file and card."""
    try:
        yield
    except ValueError as error:
        raise SavedModelError(
            f"{path}: its card says {card.architecture} for {card.task} with "
            f"{len(card.class_names)} classes, which does not fit: {error}"
        ) from error
