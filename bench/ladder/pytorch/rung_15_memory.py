"""Memory kept, threads asleep sooner: freed memory stays, and who waits does not spin for long."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.pytorch import rung_14_by_hand as former
from bench.machine import heap

DEVICES = ("cpu",)
ENVIRONMENT = {"GOMP_SPINCOUNT": "10000"}
RUNG = replace(former.RUNG, once=heap.keep)
