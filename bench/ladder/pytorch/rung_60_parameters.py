"""Few parameters: three small convolutions with batch normalisation, in eight epochs."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from bench.ladder.pytorch import rung_11_layout as former
from bench.ladder.pytorch.loop import Batchwise, one_cycle

LADDER = "few"


def network(classes: int) -> nn.Module:
    """(b, 1, 28, 28) -> (b, classes)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 5, stride=2, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        *(nn.Conv2d(8, 12, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(12), nn.ReLU()),
        *(nn.Conv2d(12, 16, 3, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(144, classes)),
    )


RUNG = replace(
    former.RUNG,
    network=network,
    epochs=8,
    smoothing=0.1,
    program=Batchwise,
    rate=one_cycle(1e-2, up=0.2, first=0.1, last=0.0),
)
