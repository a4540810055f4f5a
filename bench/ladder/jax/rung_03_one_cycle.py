"""One cycle: the rate rises to 0.01 and falls to nothing within three epochs; nothing is read."""

from __future__ import annotations

from dataclasses import replace

from bench.ladder.jax import rung_02_target as former


def rate(share: float) -> float:
    """Two straight lines."""
    return 1e-2 * (0.1 + 0.9 * share / 0.2 if share < 0.2 else (1 - share) / 0.8)


RUNG = replace(former.RUNG, epochs=3, target=None, whole_batches=True, betas=(0.7, 0.9), rate=rate)
