"""Training on without a stop, where a device is too fast for the stretches of training to be timed.

An epoch of the MLP may last 30 ms on a GPU. Of that the start of a stretch and the wait for its
end, which a long training has once, are a large part, and what another program does for a moment
decides. The throughput of such a run is that of the same images trained on again and again, call
after call, between two readings of the clock. Accuracy over time stays that of the stretches.

Then a few steps are given to the idle device: whether it waits for them to be launched is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.experiment import Experiment
from bench.machine import devices
from bench.machine.clock import Clock, Stopwatch
from bench.results.record import Dispatch, Segment, Sustained
from bench.run.recheck import StepCount
from bench.trainers import Trainer

SPARE = 1.1  # more calls than the last try asks for: one that ends a little early is lost
MOST_LONGER = 100.0  # times as many calls as the last try: a first look may be wrong by far
MOST_CALLS = 100_000  # 20 µs each: no stretch of training is so short

GIVEN_STEPS = 4  # together: fewer kernels than a GPU's queue holds, 1,024, or giving would wait
GIVEN = 9  # times


class TooFast(Exception):
    """However often training was repeated, it did not last long enough to be timed."""


def sustain(
    trainer: Trainer,
    experiment: Experiment,
    order: NDArray[np.int64],
    trained: Sequence[Segment],
    watch: Stopwatch,
    train: Callable[[], None],
) -> Sustained | None:
    """Repeat training on the same images until it lasts as long as the device's entry asks.

    Args:
        trainer: that has trained; its weights change.
        experiment: its device, and its batch size.
        order: the images to train on, indices into the training images.
        trained: the stretches of training: where each lasted long enough, nothing is repeated.
        watch: adds the seconds to the phase 'sustained'.
        train: the trainer's own, or what trains in its place.

    Raises:
        WorkNotDone: where other steps were done than asked for, or the clock did not wait.
        TooFast: where it never lasts.
    """
    least_s = devices.entry(experiment.device).stretch_s
    if min(segment.train_s for segment in trained) >= least_s:
        return None
    trainer.arrange(order)
    steps = math.ceil(order.size / experiment.batch_size)
    calls = 1
    while calls <= MOST_CALLS:
        count = StepCount(trainer=trainer, clock=watch.clock, done=trainer.steps_done())

        def repeatedly(calls: int = calls) -> None:
            for _ in range(calls):
                train()

        _, seconds = watch.time("sustained", repeatedly)
        count.expect(calls * steps, seconds)
        if seconds >= least_s:
            images = calls * order.size
            return Sustained(calls=calls, images=images, steps=calls * steps, train_s=seconds)
        longer = SPARE * least_s / max(seconds, 1e-9)
        calls = math.ceil(calls * min(max(longer, 2.0), MOST_LONGER))
    raise TooFast(
        f"{MOST_CALLS:,} calls of training would not last {least_s:g} s: the clock stands "
        "still, or no work is done"
    )


def give(
    trainer: Trainer, experiment: Experiment, order: NDArray[np.int64], watch: Stopwatch
) -> Dispatch | None:
    """Give an idle device a few steps, and see when all are given and when all are done.

    None on the CPU, and where train() itself waits for the device. Arguments as of ``sustain``.
    """
    if not devices.entry(experiment.device).stretch_s or trainer.train_waits:
        return None
    few = order[: GIVEN_STEPS * experiment.batch_size]
    trainer.arrange(few)
    trainer.train()  # warm: a program for so few steps may have to be compiled
    given_s: list[float] = []
    done_s: list[float] = []
    for _ in range(GIVEN):
        given, seconds = watch.time("dispatch", partial(_given_s, trainer, watch.clock))
        given_s.append(given)
        done_s.append(seconds)
    steps = math.ceil(few.size / experiment.batch_size)
    return Dispatch(steps=steps, given_s=tuple(given_s), done_s=tuple(done_s))


def _given_s(trainer: Trainer, clock: Clock) -> float:
    """Seconds until train() returns, whether or not the device has done its work."""
    start = clock()
    trainer.train()
    return clock() - start
