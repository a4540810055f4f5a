"""bfloat16: convolutions and products in half the bytes; weights and loss stay float32."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import nn

from bench.ladder.pytorch import rung_08_layout as former
from bench.ladder.pytorch.loop import Forward


def in_bfloat16(network: nn.Module) -> Forward:
    """The network under autocast."""

    def forward(images: torch.Tensor) -> torch.Tensor:
        with torch.autocast(images.device.type, torch.bfloat16):
            logits: torch.Tensor = network(images)
        return logits

    return forward


RUNG = replace(former.RUNG, forward=in_bfloat16)
