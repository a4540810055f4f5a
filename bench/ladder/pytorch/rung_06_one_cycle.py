"""One cycle: the rate rises to 0.01 and falls to nothing within 2.5 epochs; nothing is read."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_05_network as former
from bench.ladder.pytorch.loop import one_cycle

RUNG = replace(
    former.RUNG,
    epochs=2.5,
    target=None,
    optimizer=lambda network: torch.optim.Adam(network.parameters(), betas=(0.7, 0.9)),
    rate=one_cycle(1e-2, up=0.2, first=0.1, last=0.0),
)
