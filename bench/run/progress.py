"""How far a suite and what comes before it are: bars on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Sequence
from time import monotonic
from types import TracebackType
from typing import Any, Protocol

from bench.experiment import PARALLEL, Run, recipe
from bench.results.observed import DISTURBANCES
from bench.results.record import DISTURBED, Record
from bench.run import streams
from bench.run.estimate import Pace
from bench.stats.runs import test_accuracy, throughput_images_per_s
from datasets import Stage

QUIET_S = 1.0  # a shorter stage of preparing data is not worth a line
TICK_S = 1.0  # between two looks at the clock
ALMOST = 0.95  # of a stretch that has not ended: as far as a bar goes by itself


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
    usual = recipe(e.task, e.architecture)
    own_recipe = (e.optimizer, e.learning_rate) != (usual.optimizer, usual.learning_rate)
    special = (
        f"{e.optimizer} {e.learning_rate:g}" if own_recipe else "",
        "" if e.validation_share is None else f"validation {e.validation_share:.0%}",
        "augmented" if e.augmentation else "",
        "" if e.precision == "fp32" else e.precision,
        "" if e.threads is None else f"threads {e.threads}",
        f"replicas {e.replicas}" if e.execution == PARALLEL else "",
        f"own {'+'.join(e.native)}" if e.native else "",
        "" if e.goal == "train" else "throughput",
    )
    network = f"{e.task} {e.architecture} {e.framework} {e.execution} {e.device}"
    size = f"batch {e.batch_size} epochs {e.epochs:g}"
    return " ".join(filter(None, (network, size, *special, f"seed {run.seed}")))


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


class Lines:
    """A line when a run ends, with the time left by the estimates: for logs and pipes."""

    def __init__(self, runs: Sequence[Run], estimates_s: Sequence[float]) -> None:
        self.runs = len(runs)
        self.pace = Pace(runs, estimates_s)
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
        self.pace.ended(record)
        print(
            f"[{self.count}/{self.runs}] {title(record.run)}: {outcome(record)}"
            f" (about {minutes(self.pace.left_s)} left)",
            file=sys.stderr,
            flush=True,
        )

    def close(self) -> None:
        """Nothing to close."""


class Ticker:
    """Calls a function every second, in a thread of its own, until it is closed."""

    def __init__(self, tick: Callable[[], object]) -> None:
        self._tick, self._closed = tick, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._closed.wait(TICK_S):
            self._tick()

    def close(self) -> None:
        """Return when no call is under way and none will come."""
        self._closed.set()
        self._thread.join()


class Bars:
    """One bar over runs, weighted by their expected time, and one over the run in hand.

    A run says how far it is after each evaluation, and nothing in between, where its clock runs.
    There the bars go on by the time that has passed, and never beyond what is said next.
    """

    def __init__(self, runs: Sequence[Run], estimates_s: Sequence[float]) -> None:
        from tqdm import tqdm

        self.pace = Pace(runs, estimates_s)
        self.total_s = sum(estimates_s) or 1.0
        self.runs = tqdm(
            total=self.total_s,
            desc=f"run 0/{len(runs)}",
            bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed}, {remaining} left",
            position=0,
        )
        self.run = tqdm(
            total=1,
            position=1,
            leave=False,
            bar_format="  {desc} |{bar}| {n:.2f}/{total:g} epochs{postfix}",
        )
        self.count, self.total = 0, len(runs)
        self.epochs = 1.0
        self.ended_s = self.weight_s = 0.0  # expected: of the runs that have ended, of this one
        self.shown_s = 0.0  # of its own, so far
        self.began_s = monotonic()
        self.done = self.next = 0.0  # parts of the run's training: said last, to be said next
        self.stretch = 1.0  # of the training between two that are said
        self.training_began_s = self.said_s = 0.0
        self.lock = threading.Lock()
        self.ticker = Ticker(self.move)

    def started(self, run: Run) -> None:
        """Begin a new lower bar."""
        with self.lock:
            self.count += 1
            self.runs.set_description_str(f"run {self.count}/{self.total}", refresh=False)
            self.weight_s, self.shown_s = self.pace.estimate_s(run.id), 0.0
            self.stretch = 1 / max(
                1.0, run.experiment.epochs * run.experiment.evaluations_per_epoch
            )
            self.run.set_description_str(title(run), refresh=False)
            self._begin(run.experiment.epochs)

    def _begin(self, epochs: float) -> None:
        self.began_s = monotonic()
        self.done = self.next = 0.0
        self.epochs = epochs
        self.run.reset(total=epochs)

    def advanced(self, phase: str, done: int, total: int) -> None:
        """Move the lower bar to the epochs done."""
        with self.lock:
            self.run.set_postfix_str(phase, refresh=False)
            if total:
                now = monotonic()
                if not done:
                    self.training_began_s = now
                self.done, self.said_s = done / total, now
                self.next = min(1.0, self.done + self.stretch)
        self.move()

    def move(self) -> None:
        """Show where the runs and the run in hand are by now."""
        with self.lock:
            now = monotonic()
            self.run.n = self.epochs * self._part_by(now)
            expected_s = (now - self.began_s) / self.pace.factor
            self.shown_s = max(self.shown_s, min(self.weight_s, expected_s))
            self._refresh()

    def _part_by(self, now: float) -> float:
        """How much of its training the run in hand has behind it, 0..1."""
        if self.next <= self.done:  # it does not train yet, or no more
            return self.done
        trained_s = self.said_s - self.training_began_s
        whole_s = trained_s / self.done if self.done else self.weight_s * self.pace.factor
        by_time = (now - self.said_s) / whole_s if whole_s else 0.0
        return self.done + min(by_time, ALMOST * (self.next - self.done))

    def _refresh(self) -> None:
        self.runs.n = min(self.ended_s + self.shown_s, self.total_s)
        self.runs.refresh()
        self.run.refresh()

    def disturbed(self, record: Record) -> None:
        """Print by how much, and empty the lower bar."""
        with self.lock:
            self.runs.write(disturbance(record, "it is run again"), file=sys.stderr)
            self._begin(record.experiment.epochs)

    def ended(self, record: Record) -> None:
        """Print the outcome above the bars."""
        with self.lock:
            self.pace.ended(record)
            self.ended_s += self.weight_s
            self.weight_s = self.shown_s = 0.0
            self.runs.write(f"{title(record.run)}: {outcome(record)}", file=sys.stderr)
            self._refresh()

    def close(self) -> None:
        """Leave the bars as they are."""
        self.ticker.close()
        self.run.close()
        self.runs.close()


class StageDisplay:
    """Shows stages of preparing data: a bar each on a terminal, a few plain lines elsewhere.

    An object of it is a ``datasets.Progress``.
    """

    def __init__(self) -> None:
        self._stage: Stage | None = None
        self.bar: Any = None  # a tqdm, where there is a terminal
        self._ticker: Ticker | None = None  # which keeps its clock going
        self._quarters = 0  # of the stage, printed already
        self._begun_s = 0.0

    def __call__(self, stage: Stage, done: int) -> None:
        if stage != self._stage:
            self._begin(stage)
        if self.bar is not None:
            self.bar.update(min(done, stage.total or done) - self.bar.n)
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
        if self._ticker is not None:
            self._ticker.close()
        if self.bar is not None:
            self.bar.close()
        self._stage = self.bar = self._ticker = None

    def _begin(self, stage: Stage) -> None:
        self.close()
        self._stage, self._quarters, self._begun_s = stage, 0, monotonic()
        if streams.is_terminal(sys.stderr):
            from tqdm import tqdm

            scale = 1024 if stage.unit == "B" else 1000
            self.bar = tqdm(
                desc=stage.name,
                total=stage.total or None,
                unit=stage.unit if stage.unit == "B" else f" {stage.unit}",
                unit_scale=True,
                unit_divisor=scale,
                leave=False,
            )
            self._ticker = Ticker(self.bar.refresh)

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
