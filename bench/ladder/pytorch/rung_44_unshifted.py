"""Letters: two and a half epochs at a higher rate; so short a training does without shifts."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.pytorch import rung_41_digits
from bench.ladder.pytorch import rung_43_seven as former
from bench.ladder.pytorch.loop import one_cycle

LADDER = "letters"
RUNG = replace(
    former.RUNG,
    feed=rung_41_digits.RUNG.feed,
    epochs=2.5,
    rate=one_cycle(8e-3, up=0.2, first=0.1, last=0.0),
)
