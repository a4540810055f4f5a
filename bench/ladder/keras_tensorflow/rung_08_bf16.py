"""bfloat16: layers compute in half the bytes; weights and loss stay float32."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.keras_tensorflow import rung_07_wider as former

RUNG = replace(former.RUNG, policy="mixed_bfloat16")
