"""Few FLOP: half the channels in the first convolution, three quarters in the second."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from bench.ladder.pytorch import rung_13_crop as former

LADDER = "few"


def network(classes: int) -> nn.Module:
    """(b, 1, 24, 24) -> (b, classes)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2), nn.ReLU()),
        *(nn.Conv2d(8, 24, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(384, 64), nn.ReLU(), nn.Linear(64, classes)),
    )


RUNG = replace(former.RUNG, network=network, epochs=2)
