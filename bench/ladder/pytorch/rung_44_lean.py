"""Letters: the lean step in bfloat16, whose filters come from the letters and never learn."""

from __future__ import annotations

from dataclasses import replace

from torch import nn

from bench.ladder.pytorch import rung_23_lean
from bench.ladder.pytorch import rung_43_seven as former
from bench.ladder.pytorch.rung_23_lean import Rows

LADDER = "letters"
DEVICES = ("cpu",)
ENVIRONMENT = {"GOMP_SPINCOUNT": "10000"}


def network(classes: int) -> nn.Module:
    """(b, 1, 28, 28) -> (b, classes)."""
    return nn.Sequential(
        *(nn.Conv2d(1, 32, 5, stride=2), nn.ReLU()),
        *(nn.Conv2d(32, 64, 3), nn.MaxPool2d(2), nn.ReLU()),
        *(Rows(), nn.Linear(1600, 128), nn.ReLU(), nn.Linear(128, classes)),
    )


RUNG = replace(
    rung_23_lean.RUNG,
    network=network,
    prepare=former.RUNG.prepare,
    feed=former.RUNG.feed,
    batch_size=former.RUNG.batch_size,
    epochs=former.RUNG.epochs,
    smoothing=former.RUNG.smoothing,
    rate=former.RUNG.rate,
)
