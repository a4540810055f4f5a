"""Larger batches: 128 images a step at twice the rate."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_03_resident as former

SEEDS = 3
RUNG = replace(
    former.RUNG,
    batch_size=128,
    optimizer=lambda network: torch.optim.Adam(network.parameters(), lr=2e-3),
)
