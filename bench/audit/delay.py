"""A delay of known size inside a trainer's ``train``: a clock that is right finds it."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.audit.wrapped import Wrapped
from bench.trainers import Trainer


class Delayed(Wrapped):
    """Another trainer whose every ``train`` takes so many seconds longer.

    The warm-up calls the inner trainer's own ``train`` and is not delayed.

    Args:
        trainer: does the work.
        seconds: of each call of ``train``, at least; the system oversleeps by some 0.1 ms.
        sleep: passes the time. Asleep and not busy, so that a clock which counts processor
            time instead of time misses it, and so that no framework's threads are disturbed.
    """

    def __init__(
        self, trainer: Trainer, seconds: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        super().__init__(trainer)
        self._seconds = seconds
        self._sleep = sleep

    def train(self) -> None:
        """Sleep, then train: a device that works on its own would work through a later sleep."""
        self._sleep(self._seconds)
        super().train()
