"""Two networks timed in turn, in one process, so that both see the same machine.

As ``bench.inference`` samples a trainer: call after call, each with other images, from host memory
to host memory, some calls first that do not count. Its second of sampling is cut into rounds, and
in each round first the one network is asked, then the other: A B A B. A machine that slows down
slows both, and the ratio of a round is free of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from bench.export_record import Round
from bench.inference import MAX_SAMPLES, MIN_SAMPLES, SAMPLING_S, WARM_UP_CALLS
from bench.networks import Network
from bench.record import Inference
from bench.stopwatch import Clock
from bench.trainers import EVALUATION_BATCH_SIZE, Images

ROUNDS = 10
# The threads of a framework wait for more work in a busy loop before they sleep, some 10 ms:
# within that time they would take processors from the network that is asked next.
PAUSE_S = 0.05


def measure(
    own: Network,
    exported: Network,
    images: Images,
    *,
    clock: Clock = time.perf_counter,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Round, ...]:
    """Rounds at a large batch, then rounds of one image at a time.

    Args:
        own, exported: the networks; what they return lies in host memory, so a call is done when
            it returns.
        images: (n, 28, 28) float32, normalised, to ask with.
        clock, sleep: of the process.
    """
    large = min(EVALUATION_BATCH_SIZE, len(images))
    found = []
    for size in (large, 1):
        batches = _endlessly(images, size)
        for _ in range(ROUNDS):
            turns = []
            for network in (own, exported):
                sleep(PAUSE_S)
                samples_s = _turn(network, batches, clock)
                turns.append(Inference(batch_size=size, samples_s=samples_s))
            found.append(Round(own=turns[0], exported=turns[1]))
    return tuple(found)


def _turn(network: Network, batches: Iterator[Images], clock: Clock) -> tuple[float, ...]:
    """Seconds of call after call: a round's share of what ``bench.inference`` samples."""
    for _ in range(WARM_UP_CALLS):
        network.infer(next(batches))
    samples_s: list[float] = []
    while len(samples_s) < MAX_SAMPLES // ROUNDS:
        batch = next(batches)
        start = clock()
        network.infer(batch)
        samples_s.append(clock() - start)
        if len(samples_s) >= MIN_SAMPLES // ROUNDS and sum(samples_s) >= SAMPLING_S / ROUNDS:
            break
    return tuple(samples_s)


def _endlessly(images: Images, batch_size: int) -> Iterator[Images]:
    while True:
        for start in range(0, len(images) - batch_size + 1, batch_size):
            yield np.ascontiguousarray(images[start : start + batch_size])
