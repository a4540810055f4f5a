"""Asking a trained network: seconds of call after call, from host memory to host memory."""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.record import Inference
from bench.stopwatch import Clock, Stopwatch
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Trainer

WARM_UP_CALLS = 5  # inference calls before the first that counts
SAMPLING_S = 1.0  # inference is sampled this long, and at least and at most so often:
MIN_SAMPLES = 10
MAX_SAMPLES = 1000


def sample(trainer: Trainer, images: Images, clock: Clock) -> tuple[Inference, ...]:
    """A large batch for throughput, then one image at a time for latency.

    Args:
        trainer: that is warm.
        images: (n, 28, 28) float32, normalised, to ask it with.
        clock: monotonic seconds.
    """
    large = min(EVALUATION_BATCH_SIZE, len(images))
    return tuple(_sample(trainer, images, batch_size, clock) for batch_size in (large, 1))


def _sample(trainer: Trainer, images: Images, batch_size: int, clock: Clock) -> Inference:
    """Seconds of call after call, each with other images, from host memory to host memory."""
    watch = Stopwatch(trainer=trainer, clock=clock)
    batches = len(images) // batch_size
    samples: list[float] = []
    for call in range(WARM_UP_CALLS + MAX_SAMPLES):
        start = call % batches * batch_size
        batch = np.ascontiguousarray(images[start : start + batch_size])
        _, elapsed = watch.time("call", partial(trainer.infer, batch))
        if call >= WARM_UP_CALLS:
            samples.append(elapsed)
        if len(samples) >= MIN_SAMPLES and sum(samples) >= SAMPLING_S:
            break
    return Inference(batch_size=batch_size, samples_s=tuple(samples))
