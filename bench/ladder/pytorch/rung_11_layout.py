"""Channels last: the order in which the kernels of convolutions want images and weights."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_10_fused as former

RUNG = replace(
    former.RUNG,
    place=lambda network: network.to(memory_format=torch.channels_last),  # type: ignore[call-overload]
)
