"""One framework in a process of its own, which times what it is told to do: the child.

Keras reads its backend once a process, so no process can hold all frameworks. Started by
``framework_client.py`` as ``python -m tests.benchmarks.framework_process``. Takes one Command
a line on standard input and answers each with one Answer on standard output, both JSON;
whatever a framework prints goes to standard error. Ends when its standard input closes.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from typing import Literal

import msgspec
import numpy as np

from bench import trainers
from bench.experiment import Experiment
from bench.machine.clock import Clock, Stopwatch
from bench.trainers import FrameworkMissing, Images, Setup, Trainer
from datasets import glyphs
from datasets.arrays import normalise

STRETCH_S = 1.0  # at least so long is trained between two readings of the clock,
FEWEST_STEPS = 4  # and at least so many steps,
MOST_IMAGES = 65_536  # but not on more images than about an epoch has
DRAWN_IMAGES = 4096  # taken again and again


@dataclass(frozen=True, kw_only=True)
class Command:
    """What the child is told."""

    action: Literal["build", "step", "infer"]  # 'step' and 'infer' build too, where nobody has
    experiment: Experiment


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the child answers. At most one of ``missing`` and ``error`` says why not."""

    seconds: float = 0.0  # of one step or one inference batch; what was built is not in it
    missing: str | None = None  # the framework, or its support for the device
    error: str | None = None  # a traceback


@dataclass(kw_only=True)
class Subject:
    """A trainer with its images, and the clock of the harness around it."""

    trainer: Trainer
    watch: Stopwatch
    batch_size: int
    stretch: int  # images arranged, whole batches
    batch: Images  # of one inference

    def step_s(self) -> float:
        """Seconds of one training step: a stretch's, divided by its steps.

        Each call of Keras's ``fit`` costs up to 0.1 s (TensorFlow's pipeline of data), which
        belongs to no step. In a stretch of a second it weighs nearly as little as in training.
        """
        _, seconds = self.watch.time("train", self.trainer.train)
        return seconds * self.batch_size / self.stretch

    def infer_s(self) -> float:
        """Seconds of one inference batch, from host memory to host memory."""
        _, seconds = self.watch.time("infer", partial(self.trainer.infer, self.batch))
        return seconds


def prepare(trainer: Trainer, setup: Setup, clock: Clock = time.perf_counter) -> Subject:
    """Build and warm up ``trainer``, which was created from ``setup``."""
    trainer.build()
    trainer.transfer()
    trainer.warm_up()
    trainer.warm_up_predictions()
    watch = Stopwatch(synchronize=trainer.synchronize, clock=clock)
    batch_size = setup.experiment.batch_size
    return Subject(
        trainer=trainer,
        watch=watch,
        batch_size=batch_size,
        stretch=_stretch(trainer, watch, setup),
        batch=setup.train_images[:batch_size],
    )


def _stretch(trainer: Trainer, watch: Stopwatch, setup: Setup) -> int:
    """Arranges images: twice as many, until training on them takes long enough."""
    shuffled = np.random.default_rng(0).permutation(len(setup.train_images)).astype(np.int64)
    images = FEWEST_STEPS * setup.experiment.batch_size
    while True:
        trainer.arrange(np.resize(shuffled, images))
        _, seconds = watch.time("train", trainer.train)
        if seconds >= STRETCH_S or 2 * images > MOST_IMAGES:
            return images
        images *= 2


def drawn_setup(experiment: Experiment) -> Setup:
    """Drawn images; the trainer warms up on a whole number of batches."""
    whole = max(1, DRAWN_IMAGES // experiment.batch_size) * experiment.batch_size
    drawn, labels = glyphs.draw(experiment.task, whole)
    images = normalise(drawn, mean=0.14, std=0.30)  # a drawn pixel's, nearly
    return Setup(
        experiment=experiment,
        seed=0,
        classes=len(glyphs.CHARACTERS[experiment.task]),
        train_images=images,
        train_labels=labels.astype(np.int64),
        validation_images=images[: experiment.batch_size],
        test_size=experiment.batch_size,
    )


class Child:
    """Does what it is told, with one network at a time."""

    def __init__(self) -> None:
        self._experiment: Experiment | None = None
        self._subject: Subject | None = None

    def answer(self, command: Command) -> Answer:
        """Do it; an error is an answer too, and the next command goes on."""
        try:
            return Answer(seconds=_timed(self._built(command.experiment), command.action))
        except FrameworkMissing as missing:
            return Answer(missing=str(missing))
        except Exception:  # noqa: BLE001 - the boundary of the process
            return Answer(error=traceback.format_exc())

    def _built(self, experiment: Experiment) -> Subject:
        if self._subject is None or experiment != self._experiment:
            self._subject = None  # lets go of the last network before the next is made
            setup = drawn_setup(experiment)
            self._subject = prepare(trainers.load(experiment.framework).create(setup), setup)
            self._experiment = experiment
        return self._subject


def _timed(subject: Subject, action: str) -> float:
    if action == "build":
        return 0.0
    return subject.step_s() if action == "step" else subject.infer_s()


def main() -> None:
    """Answer until standard input closes."""
    out = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what frameworks print would end up between the answers
    child = Child()
    for line in sys.stdin.buffer:
        answer = child.answer(msgspec.json.decode(line, type=Command))
        out.write(msgspec.json.encode(answer) + b"\n")


if __name__ == "__main__":
    main()
