"""What is asked of a trainer: the code paths that are timed, and no others.

Everything goes through ``bench.trainers.Trainer``, in the order in which the clock calls it:
build, given weights, transfer, then steps by ``arrange`` and ``train``. Warm-up comes before
Adam's steps alone, whose state is the most that it has to put back: it compiles for batches
that are not met here, which takes most of the time there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, astuple, dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.experiment import ADAM, Experiment, Precision, Recipe, segments
from bench.results.evidence import Certificate
from bench.trainers import Images, Labels, Setup, Trainer, Weights
from datasets import Dataset, Split, normalise
from models import ARCHITECTURES
from models.weights import initial_weights

# What a certificate of parity is about, and which subjects of a plan have none yet.


@dataclass(frozen=True, kw_only=True)
class Subject:
    """All of an experiment that decides which code computes it."""

    framework: str
    execution: str
    device: str
    precision: Precision
    threads: int | None  # as of Experiment.threads
    replicas: int
    architecture: str

    @property
    def process(self) -> tuple[Any, ...]:
        """What can be examined in one process: everything but the architecture is equal."""
        return astuple(self)[:-1]

    def __str__(self) -> str:
        threads = "" if self.threads is None else f", --threads {self.threads}"
        replicas = "" if self.replicas == 1 else f", --replicas {self.replicas}"
        return (
            f"{self.architecture} in {self.framework} {self.execution} on {self.device}, "
            f"{self.precision}{threads}{replicas}"
        )


def of(whole: Experiment | Certificate) -> Subject:
    """The subject of an experiment, or of a certificate."""
    return Subject(**{each.name: getattr(whole, each.name) for each in fields(Subject)})


def missing(
    experiments: Iterable[Experiment],
    versions: Mapping[str, dict[str, str]],
    existing: Iterable[Certificate],
) -> list[Subject]:
    """The subjects of these experiments that no certificate with today's versions speaks of.

    Experiments that leave something to the framework are not matched by design and need none,
    nor do networks that one framework alone has.
    A certificate that only says why nothing could be checked is no certificate.

    Args:
        experiments: of a plan.
        versions: framework -> the versions it would run with.
        existing: certificates that there are already.
    """
    there = [certificate for certificate in existing if certificate.failure is None]
    wanted = {
        of(experiment): None  # a dictionary keeps the order
        for experiment in experiments
        if not experiment.native
        and ARCHITECTURES[experiment.architecture].compared
        and not any(c.covers(experiment, versions[experiment.framework]) for c in there)
    }
    return list(wanted)


# The images that certificates are made with: a few hundred real ones of a task.


BATCH_SIZE = 16
STEPS = 20
SHORT = 12  # images of the last batch: every epoch but a lucky one ends on a short one
TRAIN_IMAGES = (STEPS - 1) * BATCH_SIZE + SHORT
EVALUATION_IMAGES = 100


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Normalised images with their labels, and what they are called."""

    name: str  # task, source, fingerprint, how many
    classes: int
    train_images: Images  # (n, 28, 28) float32
    train_labels: Labels  # (n,) int64
    evaluation_images: Images  # of the validation set; the test set stays closed


def take(data: Dataset) -> Sample:
    """Evenly spaced images of the training and the validation set: every class is among them.

    Raises ValueError where there are too few for 20 steps.
    """
    if len(data.train.labels) < TRAIN_IMAGES or not len(data.validation.labels):
        raise ValueError(
            f"{data.task} ({data.source}) has {len(data.train.labels)} training images; "
            f"parity needs {TRAIN_IMAGES}: draw more with --glyphs-images, or choose a --source"
        )
    train, labels = _normal(data, data.train, TRAIN_IMAGES)
    evaluation, _ = _normal(data, data.validation, EVALUATION_IMAGES)
    return Sample(
        name=(
            f"{data.task} ({data.source}{', drawn' if data.drawn else ''}, "
            f"{data.fingerprint[:12]}), {TRAIN_IMAGES} training images"
        ),
        classes=len(data.class_names),
        train_images=train,
        train_labels=labels,
        evaluation_images=evaluation,
    )


def _normal(data: Dataset, split: Split, wanted: int) -> tuple[Images, Labels]:
    """So many of a split, or all there are, as a run would give them to a trainer."""
    there = len(split.labels)
    rows = np.linspace(0, there - 1, min(wanted, there)).astype(np.int64)
    images = normalise(split.images[rows], mean=data.pixel_mean, std=data.pixel_std)
    return images, split.labels[rows].astype(np.int64)


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
class Stretch:
    """The same steps of Adam in one call of train(), as the clock has it take many.

    A framework that cuts its own epochs short does every single step and not all of these.
    """

    loss: float  # mean over all images, each before its step
    logits: Array  # (n, classes) of the evaluation images after the last step


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Everything that is compared."""

    logits: Array  # (n, classes) of the evaluation images, before any step
    gradients: Arrays  # of the first batch, float64
    trajectories: Mapping[str, Trajectory]  # by the names of OPTIMIZERS
    stretch: Stretch


def experiment(subject: Subject, recipe: Recipe) -> Experiment:
    """One epoch over the sample without dropout, which no two frameworks draw alike."""
    return Experiment(
        task="parity",  # no run of a suite: it is never planned, recorded or named
        source="sample",
        **asdict(subject),
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
        stretch=_stretch(create(_setup(subject, ADAM, sample, start)), sample, start),
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


def _stretch(trainer: Trainer, sample: Sample, start: Start) -> Stretch:
    loss = _step(_ready(trainer, start), np.concatenate(start.batches))
    return Stretch(loss=loss, logits=trainer.logits(sample.evaluation_images))


def _step(trainer: Trainer, batch: NDArray[np.int64]) -> float:
    """One step on one batch, or on each of several in a row; the mean loss."""
    trainer.arrange(batch)
    trainer.train()
    trainer.synchronize()
    return trainer.mean_loss()


def _difference(before: Weights, after: Weights) -> dict[str, Array]:
    """In float64, where the difference of two float32 numbers is exact enough to divide."""
    return {name: after[name].astype(np.float64) - array for name, array in before.items()}
