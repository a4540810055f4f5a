"""Whether a run did what was asked: the optimiser's steps, and the timed objects asked once more.

A certificate shows that a framework's code does the right work on a small sample. What is timed is
the same code at another time, under another user's settings, and only its seconds are looked at.
So each stretch of training is counted as it ends, and after every clock has stopped the same
trainer is asked again: whether its answers follow its weights, whether a step still has the loss
that the referee computes, dropout on or off as asked, and whether the data on the disk are those
that the record names. NumPy's float64 network is the referee, as in ``bench.checks.examine``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import models
from bench.machine.clock import Clock
from bench.results.record import Recheck
from bench.stats import tolerances
from bench.stats.tolerances import deviation
from bench.trainers import Images, Logits, Setup, Trainer, Weights
from datasets.cache import is_intact
from models import ARCHITECTURES
from models.layers_numpy import softmax_cross_entropy

ANSWERS = 64  # images whose answers are compared
LOSS_BATCHES = 3  # steps by which dropout may show
LOSS_ROUNDING = 1e-5  # a mean loss in float32 is nearer to the exact one: |logits|·2^-24, some 2e-6
MOST_EXACT = 2048  # images of a batch whose exact loss is computed: half a second with the CNN
PASS = 128  # of them at once: a convolution's windows in float64 would fill gigabytes
LATE_SHARE, LATE_S = 0.1, 0.25  # work left when the clock stops: beyond both it is held against it


class WorkNotDone(Exception):
    """What was timed is not the work that was asked for: its seconds mean nothing."""


@dataclass(kw_only=True)
class StepCount:
    """Holds the optimiser's own count against what was asked, stretch by stretch, off the clock.

    Reading it is also the first wait after the clock has stopped. Where that takes long, work was
    still under way: the clock did not wait for the device.
    """

    trainer: Trainer
    clock: Clock
    done: int = 0
    late_s: float = field(default=0.0, init=False)  # spent waiting for counts, over all stretches

    def expect(self, steps: int, trained_s: float) -> None:
        """Raise WorkNotDone where a stretch took other steps, or went on after its clock stopped.

        Args:
            steps: of the stretch that has just ended.
            trained_s: seconds of all stretches so far.
        """
        start = self.clock()
        done = self.trainer.steps_done()
        self.late_s += self.clock() - start
        if done - self.done != steps:
            raise WorkNotDone(
                f"{done - self.done} optimiser steps were done where {steps} were asked for; look "
                "for a variable or a configuration file that limits the framework"
            )
        self.done = done
        if self.late_s > max(LATE_S, LATE_SHARE * trained_s):
            raise WorkNotDone(
                f"{self.late_s:.2f} s of work were left when the clock had stopped, of "
                f"{trained_s:.2f} s: synchronize() does not wait for the device"
            )


def recheck(trainer: Trainer, made: Setup, data_folder: Path) -> Recheck:
    """Ask the trainer of a finished measurement again; it trains on for a few steps.

    Args:
        trainer: that was measured.
        made: what it was made from.
        data_folder: of the cached arrays that all this was made from.

    Raises:
        WorkNotDone: saying what was asked for and what is the case.
    """
    experiment = made.experiment
    network = ARCHITECTURES[experiment.architecture]
    observed = trainer.observed_execution()
    if observed != experiment.execution:
        raise WorkNotDone(
            f"execution {experiment.execution!r} was asked for and {observed!r} is what ran"
        )
    answers = dropout = None
    if experiment.goal == "train":
        answers = _answers_deviation(trainer, made)
    if network.compared and experiment.precision == "fp32" and experiment.batch_size <= MOST_EXACT:
        dropout = _dropout_seen(trainer, made)
    if not is_intact(data_folder):
        raise WorkNotDone(
            f"{data_folder}: the images or labels there are no longer those that the record "
            "names; delete the folder, it will be made again"
        )
    return Recheck(execution=observed, answers_deviation=answers, dropout_seen=dropout)


def _answers_deviation(trainer: Trainer, made: Setup) -> float | None:
    """How far answers are from the referee's, with two sets of weights; None: it has no referee.

    Raises WorkNotDone where that is too far, or the answers do not follow the weights.
    """
    architecture, images = made.experiment.architecture, made.validation_images[:ANSWERS]
    compared, own = ARCHITECTURES[architecture].compared, trainer.weights()
    deviations: list[float] = []
    answers: list[Logits] = []
    for weights in ({name: array * np.float32(0.5) for name, array in own.items()}, own):
        trainer.load_weights(weights)
        answers.append(trainer.logits(images))
        single = trainer.infer(images[:1])
        wanted = _exact_logits(architecture, weights, images) if compared else answers[-1]
        deviations += [deviation(single, wanted[:1]), deviation(answers[-1], wanted)]
    if np.array_equal(answers[0], answers[1]):
        raise WorkNotDone("the answers stayed as they were when the weights changed: a cache")
    allowed = tolerances.of("trained logits", made.experiment.precision).value
    if not max(deviations) <= allowed:
        raise WorkNotDone(
            f"after the timing its answers are {max(deviations):.1e} from those its weights give, "
            f"wanted at most {allowed:.1e}"
        )
    return max(deviations) if compared else None


def _dropout_seen(trainer: Trainer, made: Setup) -> bool:
    """Whether the loss of a step is other than that without dropout, as it has to be where asked.

    Raises WorkNotDone where it is not as asked for, or a step leaves the weights alone.
    """
    size = min(made.experiment.batch_size, len(made.train_images))
    if made.experiment.augmentation:
        trainer.renew(made.train_images)
    seen = False
    for start in range(0, min(LOSS_BATCHES * size, len(made.train_images) - size + 1), size):
        batch = np.arange(start, start + size, dtype=np.int64)
        before = trainer.weights()
        exact = _exact_loss(made, before, batch)
        loss = _loss_of_a_step(trainer, batch)
        if _equal(before, trainer.weights()):
            raise WorkNotDone("a step of training left every weight as it was")
        seen = abs(loss - exact) > LOSS_ROUNDING * max(1.0, exact)
        if seen:
            break
    if seen != made.experiment.dropout:
        asked, ran = ("on", "off") if made.experiment.dropout else ("off", "on, or worse")
        raise WorkNotDone(
            f"dropout was to be {asked} in training, and by the loss of a step it is {ran}"
        )
    return seen


def _loss_of_a_step(trainer: Trainer, batch: NDArray[np.int64]) -> float:
    trainer.arrange(batch)
    trainer.train()
    trainer.synchronize()
    return trainer.mean_loss()


def _equal(first: Weights, second: Weights) -> bool:
    return all(np.array_equal(array, second[name]) for name, array in first.items())


def _exact_loss(made: Setup, weights: Weights, batch: NDArray[np.int64]) -> float:
    exact = _exact_logits(made.experiment.architecture, weights, made.train_images[batch])
    loss, _ = softmax_cross_entropy(exact, made.train_labels[batch])
    return loss


def _exact_logits(architecture: str, weights: Weights, images: Images) -> NDArray[np.float64]:
    """(n, classes) by NumPy's network in float64, dropout off, of an architecture compared."""
    classes = list(weights.values())[-1].shape[-1]
    network = models.load(architecture, "numpy").build(classes, dropout=False, dtype=np.float64)
    for name, array in network.parameters.items():
        array[...] = weights[name]
    parts = (images[start : start + PASS] for start in range(0, len(images), PASS))
    return np.concatenate([network.forward(part).copy() for part in parts])
