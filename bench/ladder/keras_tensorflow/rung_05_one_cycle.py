"""One cycle: the rate rises to 0.01 and falls to nothing within three epochs; nothing is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import keras

from bench.ladder.keras_tensorflow import rung_04_network as former


def one_cycle(steps: int) -> Any:
    """Adam, whose rate rises in a fifth of the steps and falls in the others, by half a cosine."""
    rate = keras.optimizers.schedules.CosineDecay(
        1e-3, decay_steps=steps - steps // 5, warmup_target=1e-2, warmup_steps=steps // 5
    )
    return keras.optimizers.Adam(rate, beta_1=0.7, beta_2=0.9)


RUNG = replace(former.RUNG, epochs=3, target=None, optimizer=one_cycle)
