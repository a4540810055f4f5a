"""The clock: seconds of a call with the device idle around it, and how fine the clock itself is.

It sees no trainer and no framework: whatever waits for a device is a callable that it is given.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from bench.results.evidence import Timer

Result = TypeVar("Result")
Clock = Callable[[], float]  # monotonic seconds
Floats = NDArray[np.float32]

WARM_UP_CALLS = 5  # inference calls before the first that counts
SAMPLING_S = 1.0  # inference is sampled this long, and at least and at most so often:
MIN_SAMPLES = 10
MAX_SAMPLES = 1000

READINGS = 100_000  # in a row, for the resolution
BLOCKS = 1_000  # of readings, for the cost: one alone may be shorter than the resolution
BLOCK = 100
REPEAT_S = 0.4  # a piece of work is repeated so long for its fastest, and at least so often:
REPETITIONS = 3


class StoppedClock(Exception):
    """The clock gives the same reading again and again: nothing can be timed by it."""


@dataclass(kw_only=True)
class Stopwatch:
    """Times calls with the device idle before and after, and adds up the seconds by phase."""

    synchronize: Callable[[], None]  # returns when the device has done all its work
    clock: Clock
    seconds: dict[str, float] = field(default_factory=dict)  # phase -> seconds so far

    def time(
        self, phase: str, work: Callable[[], Result], *, idle: bool = False
    ) -> tuple[Result, float]:
        """Run ``work``; return what it returned and its seconds.

        ``idle``: the device has been given nothing yet, so there is nothing to wait for.
        """
        if not idle:
            self.synchronize()
        start = self.clock()
        result = work()
        self.synchronize()
        elapsed = self.clock() - start
        self.seconds[phase] = self.seconds.get(phase, 0.0) + elapsed
        return result, elapsed


def endless_batches(images: Floats, batch_size: int) -> Iterator[Floats]:
    """Whole batches of the images in turn, from the first again after the last."""
    while True:
        for start in range(0, len(images) - batch_size + 1, batch_size):
            yield np.ascontiguousarray(images[start : start + batch_size])


def seconds_of_calls(
    infer: Callable[[Floats], Floats], batches: Iterator[Floats], clock: Clock, *, share: int = 1
) -> tuple[float, ...]:
    """Seconds of call after call, each with other images, from host memory to host memory.

    Nothing waits for the device between a call and the reading of the clock: the call itself has
    waited, since numbers that lie in host memory are finished. Waiting again costs, for nothing,
    26 of 222 µs at one image in Keras on JAX and 12 of 657 in Keras on TensorFlow. An answer that
    is no NumPy array may still be being computed: it is refused.

    Args:
        infer: of a trainer or of a saved network, that is warm.
        batches: what it is asked with.
        clock: monotonic seconds.
        share: only this part of a sampling is wanted: 10 for a tenth.

    Raises:
        TypeError: where an answer is no NumPy array.
    """
    for _ in range(WARM_UP_CALLS):
        infer(next(batches))
    samples_s: list[float] = []
    while len(samples_s) < MAX_SAMPLES // share:
        batch = next(batches)
        start = clock()
        answer: object = infer(batch)
        samples_s.append(clock() - start)
        if not isinstance(answer, np.ndarray):
            raise TypeError(
                f"an answer of type {type(answer).__name__}, wanted a NumPy array: the device may "
                "not have finished it, so its seconds would mean nothing"
            )
        if len(samples_s) >= MIN_SAMPLES // share and sum(samples_s) >= SAMPLING_S / share:
            break
    return tuple(samples_s)


def fastest_s(work: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    """The least seconds that ``work`` takes once warm; it returns when its device is done.

    Other programs can only make a piece of work slower, never faster.
    """

    def timed() -> float:
        start = clock()
        work()
        return clock() - start

    work()
    return least_s(timed)


def least_s(timed: Callable[[], float]) -> float:
    """The least that a piece of work, which tells its own seconds, takes when it is repeated."""
    seconds: list[float] = []
    while len(seconds) < REPETITIONS or sum(seconds) < REPEAT_S:
        seconds.append(timed())
    return min(seconds)


def read_timer(clock: Clock = time.perf_counter) -> Timer:
    """Try the clock that every measurement here uses; about 0.1 s.

    Raises StoppedClock where it stands still.
    """
    from bench.results.evidence import Timer  # late: the audit alone needs it, and no run

    return Timer(
        name=f"perf_counter, {time.get_clock_info('perf_counter').implementation}",
        resolution_s=resolution_s(clock),
        cost_s=float(np.median([_block_s(clock) / BLOCK for _ in range(BLOCKS)])),
    )


def resolution_s(clock: Clock) -> float:
    """The smallest step between two different readings in a row.

    Raises StoppedClock where no two readings differ.
    """
    readings = [clock() for _ in range(READINGS)]
    steps = [later - earlier for earlier, later in pairwise(readings) if later > earlier]
    if not steps:
        raise StoppedClock(f"the clock stood still for {READINGS:,} readings")
    return min(steps)


def _block_s(clock: Clock) -> float:
    start = clock()
    for _ in range(BLOCK):
        clock()
    return clock() - start
