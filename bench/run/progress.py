"""How far a suite and the preparation of its data are: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from bench.experiment import COMPILED, Experiment, Run
from bench.machine import devices
from bench.results.observed import DISTURBANCES
from bench.results.record import DISTURBED, Data, Record
from bench.run import streams
from bench.stats.runs import test_accuracy, throughput_images_per_s
from bench.trainers import FRAMEWORKS
from datasets import Stage
from models import ARCHITECTURES

QUIET_S = 1.0  # a shorter stage of preparing data is not worth a line


class Display(Protocol):
    """Shows the progress of a suite."""

    def started(self, run: Run) -> None:
        """A run begins."""
        ...

    def advanced(self, phase: str, done: int, total: int) -> None:
        """The run in hand is in this phase, with ``done`` of ``total`` training images seen."""
        ...

    def disturbed(self, record: Record) -> None:
        """A run has ended, and is run again, since other programs disturbed it."""
        ...

    def ended(self, record: Record) -> None:
        """A run has ended."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


def display(runs: Sequence[Run], estimates_s: Sequence[float]) -> Display:
    """Bars where standard error is a terminal, lines where it is not.

    Args:
        runs: those to come, in order.
        estimates_s: about how long each takes, seconds.
    """
    if streams.is_terminal(sys.stderr):
        return Bars(runs, estimates_s)
    return Lines(runs, estimates_s)


def title(run: Run) -> str:
    """A run in a few words."""
    e = run.experiment
    special = (
        "" if e.precision == "fp32" else e.precision,
        "" if e.threads is None else f"threads {e.threads}",
        f"own {'+'.join(e.native)}" if e.native else "",
        "" if e.goal == "train" else "throughput",
    )
    usual = f"{e.task} {e.architecture} {e.framework} {e.execution} {e.device} batch {e.batch_size}"
    return " ".join(filter(None, (usual, *special, f"seed {run.seed}")))


def outcome(record: Record) -> str:
    """How a run ended, in a few words."""
    if record.status != "ok":
        return f"{record.status}: {record.reason}"
    rate = throughput_images_per_s(record)
    accuracy = test_accuracy(record)
    words = [f"{rate:,.0f} images/s"] if rate is not None else []
    words += [f"test accuracy {accuracy:.2%}"] if accuracy is not None else []
    words += [f"disturbed: {_reasons(record)}"] if record.disturbed else []
    return ", ".join([*words, f"{record.wall_s:.0f} s"])


def disturbance(record: Record, then: str) -> str:
    """What disturbed a run while it trained, and what follows from that."""
    return f"{title(record.run)}: {_reasons(record)} while it trained; {then}"


def _reasons(record: Record) -> str:
    shares = ((getattr(record, name), words) for name, words in DISTURBANCES)
    return " and ".join(words.format(f"{s:.0%}") for s, words in shares if s > DISTURBED)


# About how long a run takes: for plans and bars, never for a table. Seconds and rates, here and in
# the entries of frameworks and architectures, were measured once on a machine with two x86-64
# cores, batch size 128; another machine is slower or faster, and displays correct for that as runs
# end.
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


class Lines:
    """A line when a run ends, with the time left by the estimates: for logs and pipes."""

    def __init__(self, runs: Sequence[Run], estimates_s: Sequence[float]) -> None:
        self.runs = len(runs)
        self.left_s = dict(zip((run.id for run in runs), estimates_s, strict=True))
        self.spent_s = 0.0
        self.expected_s = 0.0
        self.count = 0

    def started(self, run: Run) -> None:
        """Say nothing yet: one line a run is enough."""
        self.count += 1

    def advanced(self, phase: str, done: int, total: int) -> None:
        """Say nothing: a log does not want it."""

    def disturbed(self, record: Record) -> None:
        """Print by how much."""
        print(disturbance(record, "it is run again"), file=sys.stderr, flush=True)

    def ended(self, record: Record) -> None:
        """Print the run, its outcome, and about how long the rest takes."""
        self.expected_s += self.left_s.pop(record.run_id, 0.0)
        self.spent_s += record.wall_s
        # the estimates are of another machine: corrected by what they have been worth so far
        pace = self.spent_s / self.expected_s if self.expected_s else 1.0
        left = pace * sum(self.left_s.values())
        print(
            f"[{self.count}/{self.runs}] {title(record.run)}: {outcome(record)}"
            f" (about {minutes(left)} left)",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Nothing to close."""


class Bars:
    """One bar over runs, weighted by their expected time, and one over the run in hand."""

    def __init__(self, runs: Sequence[Run], estimates_s: Sequence[float]) -> None:
        from tqdm import tqdm

        self.weights = dict(zip((run.id for run in runs), estimates_s, strict=True))
        self.runs = tqdm(
            total=round(sum(estimates_s)),
            desc=f"run 0/{len(runs)}",
            bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left",
            position=0,
        )
        self.run = tqdm(
            total=1,
            position=1,
            leave=False,
            bar_format="  {desc} |{bar}| {n_fmt}/{total_fmt} epochs, {remaining} left{postfix}",
        )
        self.count, self.total = 0, len(runs)
        self.epochs = 1.0
        self.shown = 0.0  # of the bar over runs, in expected seconds, for the run in hand
        self.weight = 0.0

    def started(self, run: Run) -> None:
        """Begin a new lower bar."""
        self.count += 1
        self.runs.set_description_str(f"run {self.count}/{self.total}")
        self.epochs = run.experiment.epochs
        self.weight, self.shown = self.weights.get(run.id, 0.0), 0.0
        self.run.reset(total=self.epochs)
        self.run.set_description_str(title(run))

    def advanced(self, phase: str, done: int, total: int) -> None:
        """Move the lower bar to the epochs done, and the upper one by their share."""
        if total:
            self.run.n = round(self.epochs * done / total, 2)
            self._show(self.weight * done / total)
        self.run.set_postfix_str(phase)

    def _show(self, expected_s: float) -> None:
        self.runs.update(max(0.0, expected_s - self.shown))
        self.shown = max(self.shown, expected_s)

    def disturbed(self, record: Record) -> None:
        """Print by how much, and empty the lower bar."""
        self.runs.write(disturbance(record, "it is run again"), file=sys.stderr)
        self.run.reset(total=self.epochs)

    def ended(self, record: Record) -> None:
        """Print the outcome above the bars."""
        self._show(self.weight)
        self.runs.write(f"{title(record.run)}: {outcome(record)}", file=sys.stderr)

    def close(self) -> None:
        """Leave the bars as they are."""
        self.run.close()
        self.runs.close()


class StageDisplay:
    """Shows stages of preparing data: a bar each on a terminal, a few plain lines elsewhere.

    An object of it is a ``datasets.Progress``.
    """

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self._bar: Any = None  # a tqdm, where there is a terminal
        self._quarters = 0  # of the stage, printed already
        self._begun_s = 0.0

    def __call__(self, stage: Stage, done: int) -> None:
        if stage != self._stage:
            self._begin(stage)
        if self._bar is not None:
            self._bar.update(done - self._bar.n)
        else:
            self._print_quarter(stage, done)

    def __enter__(self) -> StageDisplay:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the bar of the last stage."""
        if self._bar is not None:
            self._bar.close()
        self._stage = self._bar = None

    def _begin(self, stage: Stage) -> None:
        self.close()
        self._stage, self._quarters, self._begun_s = stage, 0, monotonic()
        if streams.is_terminal(sys.stderr):
            from tqdm import tqdm

            scale = 1024 if stage.unit == "B" else 1000
            self._bar = tqdm(
                desc=stage.name,
                total=stage.total or None,
                unit=stage.unit if stage.unit == "B" else f" {stage.unit}",
                unit_scale=True,
                unit_divisor=scale,
                leave=False,
            )

    def _print_quarter(self, stage: Stage, done: int) -> None:
        quarters = 4 * done // stage.total if stage.total else 0
        if quarters > self._quarters and monotonic() - self._begun_s > QUIET_S:
            self._quarters = quarters
            print(f"{stage.name}: {25 * quarters} %", file=sys.stderr, flush=True)


def minutes(seconds: float) -> str:
    """A duration as a person says it: '40 s', '3 min', '2 h 5 min'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    whole = round(seconds / 60)
    return f"{whole} min" if whole < 90 else f"{whole // 60} h {whole % 60} min"
