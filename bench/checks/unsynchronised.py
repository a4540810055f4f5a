"""A clock that does not wait for the device, beside one that does: what the mistake looks like.

A GPU is given work and does it on its own; a clock read before it is done has measured the
giving. It is the commonest mistake of benchmarks, made here on purpose, in a process of its own:
``python -m bench.checks.unsynchronised``.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench import trainers
from bench.checks import arms
from bench.experiment import Experiment
from bench.machine.clock import Clock, Stopwatch
from bench.results.evidence import Unsynchronised
from bench.run import processes
from bench.trainers import FrameworkMissing, Setup, Trainer

IMAGES, CLASSES = 8192, 10
BATCH_SIZE = 2048  # of the CNN: far more work for a GPU than giving it the work is for us
STRETCHES = 5  # of each kind, in turn
TIMEOUT_S = 120.0  # importing a framework from a cold disk has taken half a minute


@dataclass(frozen=True, kw_only=True)
class UnsynchronisedRequest:
    """What the process is told."""

    framework: str
    device: str


def compare(trainer: Trainer, clock: Clock = time.perf_counter) -> tuple[float, float]:
    """Median seconds of the same stretch, not waiting and waiting, in turn.

    The trainer is warm and arranged. The device is idle whenever a stretch begins.
    """
    careless = Stopwatch(synchronize=lambda: None, clock=clock)
    careful = Stopwatch(synchronize=trainer.synchronize, clock=clock)
    false_s: list[float] = []
    true_s: list[float] = []
    for _ in range(STRETCHES):
        trainer.synchronize()
        false_s.append(careless.time("train", trainer.train)[1])
        trainer.synchronize()
        true_s.append(careful.time("train", trainer.train)[1])
    return statistics.median(false_s), statistics.median(true_s)


def measure(framework: str, device: str, python: Path) -> Unsynchronised:
    """Compare the two in a process of the framework; where that cannot be done, say why."""
    if device == "cpu":
        return Unsynchronised(
            device=device, unavailable="PyTorch on a CPU does the work before the call returns"
        )
    try:
        return processes.ask(
            __name__,
            UnsynchronisedRequest(framework=framework, device=device),
            Unsynchronised,
            limit_s=TIMEOUT_S,
            experiment=_experiment(framework, device),
            python=python,
        )
    except processes.NoAnswer as error:
        return Unsynchronised(device=device, unavailable=f"{framework} on {device}: {error}")


def main() -> int:
    """Inside that process."""
    parent = processes.Parent()
    request = parent.request(UnsynchronisedRequest)
    try:
        trainer = trainers.load(request.framework).create(_setup(request))
    except FrameworkMissing as error:
        print(error, file=sys.stderr)
        return 1
    trainer.build()
    trainer.transfer()
    trainer.warm_up()
    trainer.arrange(np.arange(IMAGES, dtype=np.int64))
    false_s, true_s = compare(trainer)
    parent.tell(Unsynchronised(device=request.device, false_s=false_s, true_s=true_s))
    return 0


def _setup(request: UnsynchronisedRequest) -> Setup:
    random = np.random.default_rng(0)
    images = random.standard_normal((IMAGES, 28, 28), dtype=np.float32)
    return Setup(
        experiment=_experiment(request.framework, request.device),
        seed=0,
        classes=CLASSES,
        train_images=images,
        train_labels=random.integers(CLASSES, size=IMAGES),
        validation_images=images[:CLASSES],
        test_size=CLASSES,
    )


def _experiment(framework: str, device: str) -> Experiment:
    experiment = arms.experiment(framework, device, epochs=1)
    return replace(experiment, architecture="cnn", batch_size=BATCH_SIZE)


if __name__ == "__main__":
    sys.exit(main())
