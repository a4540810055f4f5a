"""Two networks timed in turn, in one process, so that both see the same machine.

As ``bench.measure`` samples the inference of a trainer, but the sampling is cut into rounds, and in
each round first the one network is asked, then the other: A B A B. A machine that slows down slows
both, and the ratio of a round is free of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.evidence import ExportRound
from bench.measure import endless_batches, seconds_of_calls
from bench.record import Inference
from bench.stopwatch import Clock
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Network

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
) -> tuple[ExportRound, ...]:
    """Rounds at a large batch, then rounds of one image at a time.

    Args:
        own, exported: the networks.
        images: (n, 28, 28) float32, normalised, to ask with.
        clock, sleep: of the process.
    """
    rounds: list[ExportRound] = []
    for size in (min(EVALUATION_BATCH_SIZE, len(images)), 1):
        batches = endless_batches(images, size)
        for _ in range(ROUNDS):
            turns: list[Inference] = []
            for network in (own, exported):
                sleep(PAUSE_S)
                samples_s = seconds_of_calls(network.infer, batches, clock, share=ROUNDS)
                turns.append(Inference(batch_size=size, samples_s=samples_s))
            rounds.append(ExportRound(own=turns[0], exported=turns[1]))
    return tuple(rounds)
