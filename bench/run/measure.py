"""The clock around a Trainer: phases, training, evaluation, inference. Imports no framework.

Every reading of the clock follows a ``synchronize()``: work that a device has been given but
has not done yet would otherwise be missing from the interval, or fall into the next one. The one
exception is inference, whose answer lies in host memory: see ``bench.machine.clock``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from bench.experiment import Experiment, segments, total_steps
from bench.machine.clock import Clock, Stopwatch, endless_batches, seconds_of_calls
from bench.results.record import Energy, Evaluation, Inference, Measurement, Phases, Segment, Test
from bench.run.around import Around
from bench.run.recheck import StepCount
from bench.run.sustain import give, sustain
from bench.stats.score import Score, score, wrong
from bench.trainers import EVALUATION_BATCH_SIZE, Images, Labels, Rehearsing, Trainer, Weights
from models import ARCHITECTURES
from models.weights import initial_weights

# hears (phase, done, total) in training images, between two readings of the clock, never within;
# both counts are 0 in phases that have none
Listener = Callable[[str, int, int], None]
# reads the energy of training on: given the trainer and the images of one call of its train()
ReadEnergy = Callable[[Trainer, int], Energy]
# the training images as an epoch, counted from 0, is to see them
Renewed = Callable[[int], Images]


class Diverged(Exception):
    """The loss is no longer a finite number: nothing after it would mean anything."""


class SealBroken(Exception):
    """The test set was to be opened a second time."""


def silent(phase: str, done: int, total: int) -> None:
    """The listener that does nothing."""


class SealedTest:
    """Test images and labels under seal: opened once a run, by ``measure``, and counted.

    Everything else of a run is given the training and validation images alone. Reading test
    images earlier, or twice, would let a choice depend on them, and a test accuracy that
    choices depend on is no longer one.
    """

    def __init__(self, images: Images, labels: Labels) -> None:
        self.__images, self.__labels = images, labels
        self.size = len(labels)
        self.reads = 0

    def open(self) -> tuple[Images, Labels]:
        """(n, 28, 28) float32 images and (n,) int64 labels. Raises SealBroken the second time."""
        if self.reads:
            raise SealBroken("the test set has been read in this run; it may be read once")
        self.reads += 1
        return self.__images, self.__labels


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
    train: Callable[[], None] | None = None,
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
        train: trains in the place of ``trainer.train``, as the audit's delayed training does;
            None: the trainer's own.
        clock: monotonic seconds.

    Raises:
        Diverged: where a loss is not finite.
    """
    trainer, experiment = subject.trainer, subject.experiment
    watch = Stopwatch(synchronize=trainer.synchronize, clock=clock)
    best, around, train = _Best(), Around(trainer, experiment.device), train or trainer.train
    _prepare(subject, watch, listen, around)
    rehearsal = None
    if isinstance(trainer, Rehearsing):
        listen("rehearsal", 0, 0)
        rehearsal, _ = watch.time("rehearsal", trainer.rehearse)
    around.begin()
    trained, evaluations = _train(subject, watch, best, listen, around, train)
    steps_counted = trainer.steps_done()
    # of the first epoch: a short last stretch would count what every call costs many times over
    stretches = segments(experiment, subject.seed, len(subject.train_images))
    order = max(islice(stretches, experiment.evaluations_per_epoch), key=len)
    sustained = sustain(trainer, experiment, order, trained, watch, train)
    seen, dispatch = around.end(), give(trainer, experiment, order, watch)
    test: Test | None = None
    inference: tuple[Inference, ...] = ()
    if experiment.goal == "train":
        listen("test", 0, 0)
        test = _test(subject, watch, best, keep)
        listen("inference", 0, 0)
        inference, _ = watch.time(
            "inference", partial(_sample_inference, trainer, subject.train_images, clock)
        )
    energy: Energy | None = None
    if read_energy is not None:
        listen("energy", 0, 0)
        trainer.arrange(order)
        energy, _ = watch.time("energy", partial(read_energy, trainer, len(order)))
    phases = {f"{phase}_s": seconds for phase, seconds in watch.seconds.items()}
    return Measurement(
        phases=Phases(start_s=start_s, import_s=import_s, data_s=data_s, **phases),
        parameter_count=trainer.parameter_count,
        segments=tuple(trained),
        steps_counted=steps_counted,
        evaluations=tuple(evaluations),
        test=test,
        inference=inference,
        sustained=sustained,
        dispatch=dispatch,
        energy=energy,
        rehearsal=rehearsal,
        **seen,
    )


def _prepare(subject: Subject, watch: Stopwatch, listen: Listener, around: Around) -> None:
    trainer = subject.trainer
    listen("build", 0, 0)
    watch.time("build", trainer.build, idle=True)
    give_initial_weights(trainer, subject.experiment, subject.seed)
    around.built()
    phases = {"transfer": trainer.transfer, "warm_up": trainer.warm_up}
    if subject.experiment.goal == "train":
        phases["prediction_warm_up"] = trainer.warm_up_predictions
    for phase, work in phases.items():
        listen(phase, 0, 0)
        watch.time(phase, work)
        if phase == "transfer":
            around.transferred()


def give_initial_weights(trainer: Trainer, experiment: Experiment, seed: int) -> None:
    """Start a built trainer from weights drawn by NumPy, the same in every framework.

    Off the clock, since it is this harness's wish. What the experiment leaves to the framework
    stays as the framework drew it, and so does a network that only one framework has.
    """
    if not ARCHITECTURES[experiment.architecture].compared:
        return
    own = trainer.weights()
    drawn = initial_weights(own, seed)
    kept = {word.removesuffix("-init") for word in experiment.native if word.endswith("-init")}
    trainer.load_weights(
        {name: own[name] if name.rpartition("/")[2] in kept else drawn[name] for name in own}
    )


def _train(
    subject: Subject,
    watch: Stopwatch,
    best: _Best,
    listen: Listener,
    around: Around,
    train: Callable[[], None],
) -> tuple[list[Segment], list[Evaluation]]:
    """All segments and, where accuracy is a goal, an evaluation after each."""
    trainer, experiment = subject.trainer, subject.experiment
    images = len(subject.train_images)
    total = _images_to_see(experiment, images)
    trained: list[Segment] = []
    evaluations: list[Evaluation] = []
    seen = 0
    count = StepCount(trainer=trainer, clock=watch.clock)
    listen("train", 0, total)
    for order in segments(experiment, subject.seed, images):
        _renew(subject, watch, seen)
        trainer.arrange(order)  # off the clock, which waits for it to end
        _, train_s = watch.time("train", train)
        seen += len(order)
        steps = math.ceil(order.size / experiment.batch_size)
        count.expect(steps, watch.seconds["train"])  # before anything else waits for the device
        around.stretch_ended()
        trained.append(_segment(trainer, experiment, order.size, steps, train_s))
        if experiment.goal == "train":
            evaluations.append(_evaluate(subject, watch, seen))
            _remember(trainer, watch, best, evaluations)
        listen("train", seen, total)
    return trained, evaluations


def _renew(subject: Subject, watch: Stopwatch, seen: int) -> None:
    """Where an epoch begins, give the trainer the images of that epoch; off the training clock."""
    epoch, images_into_epoch = divmod(seen, len(subject.train_images))
    renewed = subject.renewed
    if renewed is not None and images_into_epoch == 0:
        watch.time("augmentation", lambda: subject.trainer.renew(renewed(epoch)))


def _images_to_see(experiment: Experiment, images: int) -> int:
    epoch_steps = math.ceil(images / experiment.batch_size)
    epochs, rest = divmod(total_steps(experiment, images), epoch_steps)
    return epochs * images + min(rest * experiment.batch_size, images)


def _segment(
    trainer: Trainer, experiment: Experiment, images: int, steps: int, train_s: float
) -> Segment:
    loss = trainer.mean_loss()  # waits for the device, hence after the clock
    if not math.isfinite(loss):
        raise Diverged(
            f"the training loss is {loss}; try a learning rate below {experiment.learning_rate:g}"
        )
    return Segment(images=images, steps=steps, train_s=train_s, train_loss=loss)


def _evaluate(subject: Subject, watch: Stopwatch, seen: int) -> Evaluation:
    trainer, sample = subject.trainer, subject.training_sample
    result, evaluation_s = _score(trainer, watch, subject.validation, "validation")
    training = None if sample is None else _score(trainer, watch, sample, "training")[0]
    return Evaluation(
        images_seen=seen,
        train_s=watch.seconds["train"],
        accuracy=result.accuracy,
        loss=result.loss,
        evaluation_s=evaluation_s,  # of the validation set alone
        training_accuracy=None if training is None else training.accuracy,
        training_loss=None if training is None else training.loss,
    )


def _score(trainer: Trainer, watch: Stopwatch, split: Labelled, name: str) -> tuple[Score, float]:
    logits, evaluation_s = watch.time("evaluation", partial(trainer.logits, split.images))
    return _finite(score(logits, split.labels), name), evaluation_s


def _finite(result: Score, split: str) -> Score:
    if not math.isfinite(result.loss):
        raise Diverged(f"the {split} loss is {result.loss}")
    return result


def _remember(
    trainer: Trainer, watch: Stopwatch, best: _Best, evaluations: list[Evaluation]
) -> None:
    """Keep the weights if this is the lowest validation loss so far; of equals the earlier."""
    if evaluations[-1].loss < best.loss:
        best.loss = evaluations[-1].loss
        best.evaluation = len(evaluations) - 1
        best.weights, _ = watch.time("checkpoint", trainer.weights)


def _test(subject: Subject, watch: Stopwatch, best: _Best, keep: Callable[[Weights], None]) -> Test:
    """Open the test set: once, at the end, with the best checkpoint. No other code opens it."""
    watch.time("checkpoint", partial(keep, best.weights))
    subject.trainer.load_weights(best.weights)
    images, labels = subject.test.open()
    logits, _ = watch.time("evaluation", partial(subject.trainer.logits, images))
    result = _finite(score(logits, labels), "test")
    return Test(
        evaluation=best.evaluation,
        correct=result.correct,
        images=result.images,
        loss=result.loss,
        wrong=wrong(logits, labels),
        reads=subject.test.reads,
    )


def _sample_inference(trainer: Trainer, images: Images, clock: Clock) -> tuple[Inference, ...]:
    """A large batch for throughput, then one image at a time for latency.

    ``images``: (n, 28, 28) float32, normalised, to ask the warm trainer with.
    """
    sizes = (min(EVALUATION_BATCH_SIZE, len(images)), 1)
    trainer.synchronize()  # the first call finds the device idle, as each call leaves it
    return tuple(
        Inference(
            batch_size=size,
            samples_s=seconds_of_calls(trainer.infer, endless_batches(images, size), clock),
        )
        for size in sizes
    )
