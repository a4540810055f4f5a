"""A PyTorch network's weights in the one layout of all frameworks, and back.

A network that is one chain of layers is translated by ``models/weights.py``. One that is not
(an ensemble, a graph network) says how itself: it has ``neutral_weights()``, which returns a
copy on the host, and ``load_neutral_weights(weights)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch
from torch import nn

from models.weights import Array, check_weights, from_pytorch, to_pytorch


@runtime_checkable
class Translated(Protocol):
    """A network that knows its own neutral"""

    def neutral_weights(self) -> dict[str, Array]:
        """A copy on the host, float32, always with the same names and shapes."""
        ...

    def load_neutral_weights(self, weights: Mapping[str, Array]) -> None:
        """Take what ``neutral_weights`` gives, on whatever device the network is."""
        ...


def neutral(network: nn.Module) -> dict[str, Array]:
    """A copy of the weights on the host, in layer order: ``LAYER/kernel``, ``LAYER/bias``."""
    if isinstance(network, Translated):
        return network.neutral_weights()
    state = network.state_dict().items()
    return from_pytorch({name: tensor.cpu().numpy() for name, tensor in state})


def load(network: nn.Module, weights: Mapping[str, Array]) -> None:
    """Give a network neutral weights of its own names and shapes, in whatever order.

    Raises ValueError naming the first that is missing, unknown, or of another shape.
    """
    own = neutral(network)
    check_weights(weights, own)
    if isinstance(network, Translated):
        network.load_neutral_weights(weights)
        return
    state = to_pytorch({name: weights[name] for name in own})  # in layer order
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
