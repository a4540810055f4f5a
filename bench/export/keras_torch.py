"""A saved Keras network as a PyTorch module: Keras on its torch backend, whoever trained it.

A ``.keras`` file knows no backend. One exporter then serves all, and none of tf2onnx and
jax2onnx is needed.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

import keras
from torch import nn

from bench.networks import keras as keras_network
from bench.saved_models import Card


def restore(path: Path, card: Card) -> nn.Module:
    """The network of a ``.keras`` file; raises SavedModelError where it cannot be trusted."""
    keras_network.restore(path, card)  # refuses what is damaged, or of another network
    return cast(nn.Module, keras.saving.load_model(path, safe_mode=True, compile=False))
