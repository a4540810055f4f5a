"""What is asked of a trainer: the code paths that are timed, and no others.

Everything goes through ``bench.trainers.Trainer``, in the order in which the clock calls it:
build, given weights, transfer, then steps by ``arrange`` and ``train``. Warm-up comes before
Adam's steps alone, whose state is the most that it has to put back: it compiles for batches
that are not met here, which takes most of the time there is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bench.experiment import ADAM, Experiment, Recipe
from bench.order import segments
from bench.parity.sample import BATCH_SIZE, Sample
from bench.parity.subject import Subject
from bench.trainers import Setup, Trainer, Weights
from models.weights import initial_weights

Array = NDArray[np.floating]
Arrays = Mapping[str, Array]
Create = Callable[[Setup], Trainer]

# The optimisers of the comparison. At higher rates of SGD the 20 steps are near to divergence,
# where any difference grows.
OPTIMIZERS = {
    "SGD": Recipe(optimizer="sgd", learning_rate=0.02),
    "momentum": Recipe(optimizer="sgd", learning_rate=0.005, momentum=0.9),
    "Adam": ADAM,
}
WARMED_UP = "Adam"

# A step of plain SGD leaves w1 = w0 - rate·g, rounded to float32, so (w0 - w1) / rate is the
# gradient to within 2^-24·(|g| + |w0|/rate). At a rate of 1 the second term would drown the
# small gradients that decide on Adam's first step; at 1024 it is 2^-34·|w0|, and since the rate
# is a power of two, multiplying by it rounds nothing.
GRADIENT_RATE = 1024.0

BIAS_LIMIT = 0.1  # matched biases are zero: a trainer that never loaded them would not show


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where trainer and referee begin, and what they are shown in turn."""

    seed: int
    weights: Weights  # (in the neutral layout)
    batches: tuple[NDArray[np.int64], ...]  # 20 of indices into the images, the last one short


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Twenty steps of one optimiser."""

    update: Arrays  # of the first step: weights after it less weights before, float64
    losses: Array  # (20,) float64: of each batch, before its step
    logits: Array  # (n, classes) of the evaluation images after the last step


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that is compared."""

    logits: Array  # (n, classes) of the evaluation images, before any step
    gradients: Arrays  # of the first batch, float64
    trajectories: Mapping[str, Trajectory]  # by the names of OPTIMIZERS


def experiment(subject: Subject, recipe: Recipe) -> Experiment:
    """One epoch over the sample without dropout, which no two frameworks draw alike."""
    return Experiment(
        task="parity",  # no run of a suite: it is never planned, recorded or named
        source="sample",
        architecture=subject.architecture,
        framework=subject.framework,
        execution=subject.execution,
        device=subject.device,
        precision=subject.precision,
        threads=subject.threads,
        batch_size=BATCH_SIZE,
        epochs=1,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        momentum=recipe.momentum,
        dropout=False,
    )


def begin(subject: Subject, sample: Sample, shapes: Mapping[str, Array], seed: int) -> Start:
    """Draw initial weights and the order of the images from a seed, as a run draws them.

    ``shapes``: arrays with the names and shapes of the weights.
    """
    (order,) = segments(experiment(subject, ADAM), seed, len(sample.train_labels))
    return Start(
        seed=seed,
        weights=_weights(shapes, seed),
        batches=tuple(
            order[first : first + BATCH_SIZE] for first in range(0, len(order), BATCH_SIZE)
        ),
    )


def _weights(shapes: Mapping[str, Array], seed: int) -> Weights:
    """The matched initial weights of a run, but with biases other than zero."""
    values = np.random.default_rng(seed)
    return {
        name: (
            values.uniform(-BIAS_LIMIT, BIAS_LIMIT, array.shape).astype(np.float32)
            if name.endswith("/bias")
            else array
        )
        for name, array in initial_weights(shapes, seed).items()
    }


def moved(start: Start, share: float, seed: int) -> Start:
    """The same start, but every weight is moved by up to this share of itself, drawn evenly."""
    values = np.random.default_rng(seed)
    return replace(
        start,
        weights={
            name: (array * values.uniform(1 - share, 1 + share, array.shape)).astype(np.float32)
            for name, array in start.weights.items()
        },
    )


def observe(create: Create, subject: Subject, sample: Sample, start: Start) -> Observed:
    """Put trainers through everything, a new one for each optimiser."""
    plain = Recipe(optimizer="sgd", learning_rate=GRADIENT_RATE)
    trainer = _ready(create(_setup(subject, plain, sample, start)), start)
    logits = trainer.logits(sample.evaluation_images)
    _step(trainer, start.batches[0])
    difference = _difference(start.weights, trainer.weights())
    return Observed(
        logits=logits,
        gradients={name: -array / GRADIENT_RATE for name, array in difference.items()},
        trajectories={
            name: _trajectory(create(_setup(subject, recipe, sample, start)), name, sample, start)
            for name, recipe in OPTIMIZERS.items()
        },
    )


def _setup(subject: Subject, recipe: Recipe, sample: Sample, start: Start) -> Setup:
    return Setup(
        experiment=experiment(subject, recipe),
        seed=start.seed,
        classes=sample.classes,
        train_images=sample.train_images,
        train_labels=sample.train_labels,
        validation_images=sample.evaluation_images,
        test_size=len(sample.evaluation_images),
    )


def _ready(trainer: Trainer, start: Start) -> Trainer:
    trainer.build()
    trainer.load_weights(start.weights)
    trainer.transfer()
    return trainer


def _trajectory(trainer: Trainer, optimizer: str, sample: Sample, start: Start) -> Trajectory:
    _ready(trainer, start)
    if optimizer == WARMED_UP:
        trainer.warm_up()
    losses = []
    update: Arrays = {}
    for batch in start.batches:
        losses.append(_step(trainer, batch))
        update = update or _difference(start.weights, trainer.weights())
    return Trajectory(
        update=update,
        losses=np.array(losses),
        logits=trainer.logits(sample.evaluation_images),
    )


def _step(trainer: Trainer, batch: NDArray[np.int64]) -> float:
    """One step on one batch; its loss."""
    trainer.arrange(batch)
    trainer.train()
    trainer.synchronize()
    return trainer.mean_loss()


def _difference(before: Weights, after: Weights) -> dict[str, Array]:
    """In float64, where the difference of two float32 numbers is exact enough to divide."""
    return {name: after[name].astype(np.float64) - array for name, array in before.items()}
