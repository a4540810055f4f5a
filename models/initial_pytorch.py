"""The initial weights of the PyTorch models: those that Keras gives by default."""

from __future__ import annotations

from torch import nn


def glorot_uniform(network: nn.Sequential) -> nn.Sequential:
    """Draw every kernel anew, set every bias to zero, and return the network.

    Kernels are uniform in ±√(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, equation 16).
    PyTorch's own start is narrower, ±√(1 / fan_in), with random biases: networks that start
    apart reach their accuracy at different times, which is no merit of a framework.
    """
    for layer in network:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network
