"""Shorter: 1.1 epochs, whose rate is at its highest after a tenth of the steps."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.pytorch import rung_23_lean as former
from bench.ladder.pytorch.loop import one_cycle

RUNG = replace(former.RUNG, epochs=1.1, rate=one_cycle(1.5e-2, up=0.1, first=0.1, last=0.0))
