"""A saved Keras network as a PyTorch module: Keras on its torch backend, whoever trained it.

A ``.keras`` file knows no backend. One exporter then serves all, and none of tf2onnx and
jax2onnx is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from torch import nn

from bench.saved.model import misfits
from bench.saved_models import Card
from bench.trainers import keras as keras_trainer


def restore(path: Path, card: Card) -> nn.Module:
    """The network of a ``.keras`` file; raises SavedModelError where it cannot be trusted."""
    with misfits(path, card):
        return cast(nn.Module, keras_trainer.restore(path, card).model)
