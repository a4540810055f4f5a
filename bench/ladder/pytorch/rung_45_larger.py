"""Letters: batches of 128 at a higher rate, and five epochs."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.pytorch import rung_44_lean as former
from bench.ladder.pytorch.loop import one_cycle

LADDER = "letters"
RUNG = replace(
    former.RUNG,
    batch_size=128,
    epochs=5,
    rate=one_cycle(8e-3, up=0.2, first=0.1, last=0.0),
)
