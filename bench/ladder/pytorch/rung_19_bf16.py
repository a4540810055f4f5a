"""bfloat16: images, weights and products in half the bytes; loss and optimiser stay float32."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_18_larger as former

RUNG = replace(former.RUNG, dtype=torch.bfloat16)
