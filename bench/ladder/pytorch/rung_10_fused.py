"""A fused optimiser: one kernel updates all weights."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_09_wider as former

RUNG = replace(
    former.RUNG,
    optimizer=lambda network: torch.optim.Adam(network.parameters(), betas=(0.7, 0.9), fused=True),
)
