"""The clock itself: how fine it is, and what a reading of it costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import pairwise

from bench.audit import AuditError
from bench.audit_record import Timer

READINGS = 100_000  # in a row, for the resolution
BLOCKS = 1_000  # of readings, for the cost: one alone may be shorter than the resolution
BLOCK = 100


def read(clock: Callable[[], float] = time.perf_counter) -> Timer:
    """Try the clock that every measurement here uses; about 0.1 s.

    Raises AuditError where it stands still.
    """
    return Timer(
        name=f"perf_counter, {time.get_clock_info('perf_counter').implementation}",
        resolution_s=resolution_s(clock),
        cost_s=statistics.median(_block_s(clock) / BLOCK for _ in range(BLOCKS)),
    )


def resolution_s(clock: Callable[[], float]) -> float:
    """The smallest step between two different readings in a row.

    Raises AuditError where no two readings differ.
    """
    readings = [clock() for _ in range(READINGS)]
    steps = [later - earlier for earlier, later in pairwise(readings)]
    moved = [step for step in steps if step > 0]
    if not moved:
        raise AuditError(f"the clock stood still for {READINGS:,} readings: nothing can be timed")
    return min(moved)


def _block_s(clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(BLOCK):
        clock()
    return clock() - start
