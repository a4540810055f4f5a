"""Letters: the textbook's loop, twenty epochs of the sample."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.pytorch import rung_01_textbook as former

LADDER = "letters"
SEEDS = 10
RUNG = replace(former.RUNG, epochs=20)
