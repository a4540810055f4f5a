"""The clock around a Trainer: phases, training, evaluation, inference. Imports no framework.

Every reading of the clock follows a ``synchronize()``: work that a device has been given but
has not done yet would otherwise be missing from the interval, or fall into the next one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from bench import inference
from bench.experiment import Experiment
from bench.order import segments, total_steps
from bench.record import Energy, Evaluation, Inference, Measurement, Phases, Segment, Test
from bench.score import Score, score, wrong
from bench.sealed import SealedTest
from bench.stopwatch import Clock, Stopwatch
from bench.trainers import Images, Labels, Logits, Trainer, Weights
from models import ARCHITECTURES, initial

# hears (phase, done, total) in training images, between two readings of the clock, never within;
# both counts are 0 in phases that have none
Listener = Callable[[str, int, int], None]
# reads the energy of training on: given the trainer and the images of one call of its train()
ReadEnergy = Callable[[Trainer, int], Energy]
# the training images as an epoch, counted from 0, is to see them
Renewed = Callable[[int], Images]


class Diverged(Exception):
    """The loss is no longer a finite number: nothing after it would mean anything."""


def silent(phase: str, done: int, total: int) -> None:
    """The listener that does nothing."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Images and the labels to judge a network's answers by."""

    images: Images
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is measured: a trainer, its experiment, and the images and labels to judge it by."""

    trainer: Trainer
    experiment: Experiment
    seed: int
    train_images: Images  # (n, 28, 28) float32; inference is asked with these
    validation: Labelled
    test: SealedTest
    renewed: Renewed | None = None  # None: every epoch sees the training images as they are
    training_sample: Labelled | None = None  # read beside the validation set; None: nothing is


@dataclass(kw_only=True)
class _Best:
    """The checkpoint with the lowest validation loss so far."""

    evaluation: int = -1  # index of its evaluation; -1: none yet
    loss: float = math.inf
    weights: Weights = field(default_factory=dict)


def measure(
    subject: Subject,
    *,
    start_s: float,
    import_s: float,
    data_s: float,
    keep: Callable[[Weights], None],
    listen: Listener = silent,
    read_energy: ReadEnergy | None = None,
    clock: Clock = time.perf_counter,
) -> Measurement:
    """Build, warm up, train, evaluate and ask one trainer; return all that was seen.

    Args:
        subject: what is measured.
        start_s: seconds from the start of the process to the import.
        import_s: seconds that importing the framework and finding its device took.
        data_s: seconds that normalising the data took.
        keep: writes the best weights somewhere; its time counts as checkpoint.
        listen: hears the progress.
        read_energy: asked after everything else, since it trains on; None: not asked.
        clock: monotonic seconds.

    Raises:
        Diverged: where a loss is not finite.
    """
    trainer, experiment = subject.trainer, subject.experiment
    watch = Stopwatch(trainer=trainer, clock=clock)
    _prepare(subject, watch, listen)
    best = _Best()
    trained, evaluations = _train(subject, watch, best, listen)
    test: Test | None = None
    answers: tuple[Inference, ...] = ()
    if experiment.goal == "train":
        listen("test", 0, 0)
        test = _test(subject, watch, best, keep)
        listen("inference", 0, 0)
        answers, _ = watch.time(
            "inference", partial(inference.sample, trainer, subject.train_images, clock)
        )
    peak_device_memory_bytes = trainer.peak_device_memory_bytes()
    energy: Energy | None = None
    if read_energy is not None:
        listen("energy", 0, 0)
        # a short last stretch would count what every call costs many times over
        order = max(segments(experiment, subject.seed, len(subject.train_images)), key=len)
        trainer.arrange(order)
        energy, _ = watch.time("energy", partial(read_energy, trainer, len(order)))
    return Measurement(
        phases=_phases(watch.seconds, start_s=start_s, import_s=import_s, data_s=data_s),
        parameter_count=trainer.parameter_count,
        segments=tuple(trained),
        evaluations=tuple(evaluations),
        test=test,
        inference=answers,
        peak_device_memory_bytes=peak_device_memory_bytes,
        energy=energy,
    )


def _phases(seconds: dict[str, float], *, start_s: float, import_s: float, data_s: float) -> Phases:
    return Phases(
        start_s=start_s,
        import_s=import_s,
        data_s=data_s,
        build_s=seconds["build"],
        transfer_s=seconds["transfer"],
        warm_up_s=seconds["warm_up"],
        train_s=seconds["train"],
        prediction_warm_up_s=seconds.get("prediction_warm_up"),
        evaluation_s=seconds.get("evaluation"),
        checkpoint_s=seconds.get("checkpoint"),
        inference_s=seconds.get("inference"),
        energy_s=seconds.get("energy"),
        augmentation_s=seconds.get("augmentation"),
    )


def _prepare(subject: Subject, watch: Stopwatch, listen: Listener) -> None:
    trainer = watch.trainer
    listen("build", 0, 0)
    watch.time("build", trainer.build, idle=True)
    give_initial_weights(trainer, subject.experiment, subject.seed)
    work = {"transfer": trainer.transfer, "warm_up": trainer.warm_up}
    if subject.experiment.goal == "train":
        work["prediction_warm_up"] = trainer.warm_up_predictions
    for phase, do in work.items():
        listen(phase, 0, 0)
        watch.time(phase, do)


def give_initial_weights(trainer: Trainer, experiment: Experiment, seed: int) -> None:
    """Start a built trainer from weights drawn by NumPy, the same in every framework.

    Off the clock, since it is this harness's wish. What the experiment leaves to the framework
    stays as the framework drew it, and so does a network that only one framework has.
    """
    if not ARCHITECTURES[experiment.architecture].compared:
        return
    own = trainer.weights()
    drawn = initial.draw(own, seed)
    kept = {word.removesuffix("-init") for word in experiment.native if word.endswith("-init")}
    trainer.load_weights(
        {name: own[name] if name.rpartition("/")[2] in kept else drawn[name] for name in own}
    )


def _train(
    subject: Subject, watch: Stopwatch, best: _Best, listen: Listener
) -> tuple[list[Segment], list[Evaluation]]:
    """All segments and, where accuracy is a goal, an evaluation after each."""
    trainer, experiment = subject.trainer, subject.experiment
    images = len(subject.train_images)
    total = _images_to_see(experiment, images)
    trained: list[Segment] = []
    evaluations: list[Evaluation] = []
    seen = 0
    listen("train", 0, total)
    for order in segments(experiment, subject.seed, images):
        _renew(subject, watch, seen)
        trainer.arrange(order)  # off the clock, which waits for it to end
        _, train_s = watch.time("train", trainer.train)
        seen += len(order)
        trained.append(_segment(trainer, experiment, order.size, train_s))
        if experiment.goal == "train":
            evaluations.append(_evaluate(subject, watch, seen))
            _remember(watch, best, evaluations)
        listen("train", seen, total)
    return trained, evaluations


def _renew(subject: Subject, watch: Stopwatch, seen: int) -> None:
    """Where an epoch begins, give the trainer the images of that epoch; off the training clock."""
    epoch, into_it = divmod(seen, len(subject.train_images))
    make = subject.renewed
    if make is not None and into_it == 0:
        watch.time("augmentation", lambda: watch.trainer.renew(make(epoch)))


def _images_to_see(experiment: Experiment, images: int) -> int:
    epoch_steps = math.ceil(images / experiment.batch_size)
    epochs, rest = divmod(total_steps(experiment, images), epoch_steps)
    return epochs * images + min(rest * experiment.batch_size, images)


def _segment(trainer: Trainer, experiment: Experiment, images: int, train_s: float) -> Segment:
    loss = trainer.mean_loss()  # waits for the device, hence after the clock
    if not math.isfinite(loss):
        raise Diverged(
            f"the training loss is {loss}; try a learning rate below {experiment.learning_rate:g}"
        )
    steps = math.ceil(images / experiment.batch_size)
    return Segment(images=images, steps=steps, train_s=train_s, train_loss=loss)


def _evaluate(subject: Subject, watch: Stopwatch, seen: int) -> Evaluation:
    result, evaluation_s = _score(watch, subject.validation, "validation")
    sample = subject.training_sample
    training = None if sample is None else _score(watch, sample, "training")[0]
    return Evaluation(
        images_seen=seen,
        train_s=watch.seconds["train"],
        accuracy=result.accuracy,
        loss=result.loss,
        evaluation_s=evaluation_s,  # of the validation set alone
        training_accuracy=None if training is None else training.accuracy,
        training_loss=None if training is None else training.loss,
    )


def _score(watch: Stopwatch, split: Labelled, name: str) -> tuple[Score, float]:
    logits, evaluation_s = _logits(watch, split.images)
    return _finite(score(logits, split.labels), name), evaluation_s


def _logits(watch: Stopwatch, images: Images) -> tuple[Logits, float]:
    return watch.time("evaluation", partial(watch.trainer.logits, images))


def _finite(result: Score, split: str) -> Score:
    if not math.isfinite(result.loss):
        raise Diverged(f"the {split} loss is {result.loss}")
    return result


def _remember(watch: Stopwatch, best: _Best, evaluations: list[Evaluation]) -> None:
    """Keep the weights if this is the lowest validation loss so far; of equals the earlier."""
    if evaluations[-1].loss < best.loss:
        best.loss = evaluations[-1].loss
        best.evaluation = len(evaluations) - 1
        best.weights, _ = watch.time("checkpoint", watch.trainer.weights)


def _test(subject: Subject, watch: Stopwatch, best: _Best, keep: Callable[[Weights], None]) -> Test:
    """Open the test set: once, at the end, with the best checkpoint. No other code opens it."""
    watch.time("checkpoint", partial(keep, best.weights))
    subject.trainer.load_weights(best.weights)
    images, labels = subject.test.open()
    logits, _ = _logits(watch, images)
    result = _finite(score(logits, labels), "test")
    return Test(
        evaluation=best.evaluation,
        correct=result.correct,
        images=result.images,
        loss=result.loss,
        wrong=wrong(logits, labels),
        reads=subject.test.reads,
    )
