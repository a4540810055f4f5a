"""The stopwatch: seconds of a call, with the device idle before and after it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bench.trainers import Trainer

Result = TypeVar("Result")
Clock = Callable[[], float]  # monotonic seconds


@dataclass(kw_only=True)
class Stopwatch:
    """Times calls with the device idle before and after, and adds up the seconds by phase."""

    trainer: Trainer
    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)  # phase -> seconds so far

    def time(
        self, phase: str, work: Callable[[], Result], *, idle: bool = False
    ) -> tuple[Result, float]:
        """Run ``work``; return what it returned and its seconds.

        ``idle``: the device has been given nothing yet, so there is nothing to wait for.
        """
        if not idle:
            self.trainer.synchronize()
        start = self.clock()
        result = work()
        self.trainer.synchronize()
        elapsed = self.clock() - start
        self.seconds[phase] = self.seconds.get(phase, 0.0) + elapsed
        return result, elapsed
