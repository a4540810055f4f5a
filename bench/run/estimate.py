"""About how long runs take: for plans and bars, never for a table.

Seconds and rates, here and in the entries of frameworks and architectures, were measured once on a
machine with two x86-64 cores, batch size 128. Another machine is slower or faster: ``Pace`` mends
that as runs end.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from bench.experiment import COMPILED, Experiment, Run
from bench.machine import devices
from bench.results.record import Data, Record
from bench.trainers import FRAMEWORKS
from models import ARCHITECTURES

COMPILING_S = 15.0  # more, where it is compiled and the framework's default is not
INFERENCE_S = 3.0  # sampling inference at two batch sizes
STEP_S = 5e-4  # fixed cost of a step, which is what small batches pay for
EVALUATION_SPEED_UP = 3.0  # a forward pass alone against a training step


def expected_s(experiment: Experiment, data: Data) -> float:
    """About how many seconds one run takes, start-up included."""
    network = ARCHITECTURES[experiment.architecture]
    framework = FRAMEWORKS[experiment.framework]
    rates = framework.rates[experiment.execution]
    rate = network.images_per_s or rates[network.convolutional]
    rate *= devices.entry(experiment.device).speed_up
    images = experiment.epochs * data.train_images
    steps = math.ceil(images / experiment.batch_size)
    seconds = framework.start_up_s + images / rate
    seconds += steps * STEP_S
    if experiment.execution in COMPILED and framework.default not in COMPILED:
        seconds += COMPILING_S
    if experiment.goal == "train":
        evaluations = experiment.epochs * experiment.evaluations_per_epoch
        seconds += evaluations * data.validation_images / (rate * EVALUATION_SPEED_UP)
        seconds += INFERENCE_S
    return seconds


class Pace:
    """What estimates are worth here: they are of another machine, and mended as runs end."""

    def __init__(self, runs: Sequence[Run], estimates_s: Sequence[float]) -> None:
        self._estimates_s = dict(zip((run.id for run in runs), estimates_s, strict=True))
        self._left_s = dict(self._estimates_s)
        self._spent_s = self._expected_s = 0.0

    def estimate_s(self, run_id: str) -> float:
        """As it was estimated; 0 of an unknown run."""
        return self._estimates_s.get(run_id, 0.0)

    def ended(self, record: Record) -> None:
        """A run has taken so long."""
        self._expected_s += self._left_s.pop(record.run_id, 0.0)
        self._spent_s += record.wall_s

    @property
    def factor(self) -> float:
        """Seconds that pass here for one that was estimated; 1 before the first run has ended."""
        return self._spent_s / self._expected_s if self._expected_s else 1.0

    @property
    def left_s(self) -> float:
        """About how long the runs that have not ended take."""
        return self.factor * sum(self._left_s.values())
