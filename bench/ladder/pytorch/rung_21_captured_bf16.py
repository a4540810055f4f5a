"""bfloat16 in the captured epoch: products by tensor cores, in half the bytes."""

from __future__ import annotations

from dataclasses import replace

import torch

from bench.ladder.pytorch import rung_20_captured as former

RUNG = replace(former.RUNG, dtype=torch.bfloat16)
