"""``python -m bench cheats``: is every planted cheat and mistake caught, and by what?

A benchmark that was never seen to refuse anything may be one that refuses nothing. Here each cheat
of ``bench.checks.faults`` and some of the user's surroundings are planted in a real trainer, on
drawn characters, and each has to be caught by the guard that is there for it; the same without
anything planted has to pass. Half a minute with NumPy.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import datasets
from bench import trainers
from bench.checks import faults, trial
from bench.checks.examine import STARTS, examine
from bench.checks.trial import Create
from bench.experiment import ADAM, Run
from bench.machine.clock import Clock
from bench.results.evidence import Arms
from bench.results.record import Measurement
from bench.run import material, processes
from bench.run.door import parser_of
from bench.run.environment import environment
from bench.run.leftovers import scratch_prefix
from bench.run.measure import SealBroken, Subject, measure
from bench.run.reading import one_of
from bench.run.recheck import WorkNotDone, recheck
from bench.stats.verdict import delay_found
from bench.trainers import FRAMEWORKS

IMAGES = 2000  # drawn
EPOCHS = 2
START = (4,)  # of a certificate: a seed from which no rounding decides anything
ROUNDS = 3  # of the delayed training, in each arm
WORK_S, DELAY_S = 0.1, 0.3
ONE_STEP = 1e-9  # epochs
CERTIFICATE, ASKED_AGAIN, ENVIRONMENT = "certificate", "asked again", "environment"
VARIABLES = ("KERAS_MAX_STEPS_PER_EPOCH", "TORCHDYNAMO_DISABLE", "JAX_DISABLE_JIT")


Plant = Callable[[Create, Any], Create]


@dataclass(frozen=True, kw_only=True)
class Cheat:
    """One thing planted. ``caught`` returns what the guard said; None: nothing."""

    planted: str
    guard: str
    caught: Callable[[], str | None]


def main(argv: Sequence[str]) -> int:
    """Plant everything, print what caught it, and return 0 where nothing was missed."""
    parser = parser_of(
        "python -m bench cheats",
        "Plant cheats and mistakes in a trainer: each has to be caught.",
        "",
        "--framework pytorch",
    )
    parser.add_argument(
        "--framework",
        type=one_of("framework", FRAMEWORKS),
        default="numpy",
        help="whose trainer is cheated with",
    )
    framework = parser.parse_args(argv).framework
    with tempfile.TemporaryDirectory(prefix=f"{scratch_prefix()}cheats-") as folder:
        workbench = Workbench(framework, Path(folder))
        messages = []
        for cheat in workbench.cheats():
            messages.append(cheat.caught())
            print(f"{cheat.planted:44}  {cheat.guard:15}  {messages[-1] or 'NOT CAUGHT'}")
        honest = workbench.refusal_of_an_honest_run()
    caught = sum(message is not None for message in messages)
    print(f"{caught} of {len(messages)} caught, planted in {framework}.")
    print(f"Without anything planted: {honest or 'no guard says a word'}.")
    return 1 if caught < len(messages) or honest else 0


class Workbench:
    """One framework's trainers, images, and the guards, all of them the real ones."""

    def __init__(self, framework: str, folder: Path) -> None:
        """``folder``: an empty one, for copies of the data."""
        self._subject = trial.Subject(
            framework=framework,
            execution=FRAMEWORKS[framework].default,
            device="cpu",
            precision="fp32",
            threads=None,
            replicas=1,
            architecture="mlp",
        )
        self._experiment = replace(
            trial.experiment(self._subject, ADAM),
            batch_size=128,
            epochs=EPOCHS,
            dropout=True,
        )
        os.environ.update(environment(self._experiment, os.environ))  # before Keras is imported
        self._create: Create = trainers.load(framework).create
        self._folder = folder
        self._prepared = datasets.prepare("digits", source="glyphs", glyphs_images=IMAGES).folder
        self._sample = trial.take(datasets.open_cached(self._prepared))

    def cheats(self) -> list[Cheat]:
        """Everything that is planted, in the order of the table."""
        of_setup = partial(self.by_certificate, faults.planted)
        of_trainer = partial(self.by_certificate, faults.wrapped)
        rows: tuple[tuple[Any, ...], ...] = (
            ("labels shifted by one image", CERTIFICATE, of_setup, faults.shifted_labels),
            ("Adam with ε 1e-8 in place of 1e-7", CERTIFICATE, of_setup, faults.wrong_epsilon),
            ("a learning rate wrong by 5 %", CERTIFICATE, of_setup, faults.wrong_learning_rate),
            ("no momentum", CERTIFICATE, of_setup, faults.missing_momentum),
            ("two batches change places", CERTIFICATE, of_trainer, faults.OneBatchOutOfOrder),
            ("half of each batch", CERTIFICATE, of_trainer, faults.TakesHalves),
            ("every second step skipped", "count of steps", self.by_run, faults.SkipsSteps),
            ("a synchronize() that does not wait", "late work", self.by_run, faults.NeverWaits),
            ("answers from a cache", ASKED_AGAIN, self.by_run, faults.KeepsAnswers),
            ("compiled code with old weights", ASKED_AGAIN, self.by_run, faults.StaleCode),
            ("no dropout in training", ASKED_AGAIN, self.by_setup, faults.without_dropout),
            ("a label flipped in the cached data", ASKED_AGAIN, self.flipped_label),
            ("the test set read early", "seal", self.peek),
            ("a clock at half speed", "injected delay", self.slow_clock),
            *((f"the user sets {name}=1", ENVIRONMENT, self.withheld, name) for name in VARIABLES),
            ("a compiler's cache filled by an earlier run", ENVIRONMENT, self.warm_cache),
        )
        return [
            Cheat(planted=planted, guard=guard, caught=partial(plant, *what))
            for planted, guard, plant, *what in rows
        ]

    def by_certificate(self, plant: Plant, fault: Any) -> str | None:
        """What fails where a certificate is made of a faulty trainer."""
        return self._certificate_against(plant(self._create, fault))

    def _certificate_against(self, create: Create, starts: tuple[int, ...] = START) -> str | None:
        checks, _ = examine(create, self._subject, self._sample, starts=starts)
        failed = [check for check in checks if not check.passed]
        if not failed:
            return None
        worst = max(failed, key=lambda check: check.deviation / check.tolerance)
        times = worst.deviation / worst.tolerance
        return f"{worst.quantity}: {times:,.0f} times the tolerance"

    def by_run(self, wrapper: Any) -> str | None:
        """What is said where a run is measured with a faulty trainer."""
        return self._run_with(faults.wrapped(self._create, wrapper))

    def by_setup(self, fault: Any) -> str | None:
        """The same where the trainer was made from a faulty setup."""
        return self._run_with(faults.planted(self._create, fault))

    def _run_with(
        self,
        create: Create,
        *,
        folder: Path | None = None,
        before: Callable[[Subject], Subject] = lambda subject: subject,
    ) -> str | None:
        data = datasets.open_cached(folder or self._prepared)
        run = Run(experiment=replace(self._experiment, task=data.task, source=data.source), seed=0)
        made, test = material.setup(run, data)
        trainer = create(made)
        subject = before(material.subject(trainer, made, test, data))
        try:
            _measured(subject)
            recheck(trainer, made, folder or self._prepared)
        except (WorkNotDone, SealBroken) as refusal:
            return str(refusal)
        return None

    def flipped_label(self) -> str | None:
        """One label changes on the disk between two runs."""
        copy = self._folder / "flipped"
        shutil.copytree(self._prepared, copy)
        labels = copy / "labels.npy"
        content = bytearray(labels.read_bytes())
        content[-1] ^= 1
        labels.write_bytes(bytes(content))
        return self._run_with(self._create, folder=copy)

    def peek(self) -> str | None:
        """The test images are read while training goes on."""

        def peeking(subject: Subject) -> Subject:
            def renewed(epoch: int) -> trainers.Images:
                subject.test.open()
                return subject.train_images

            return replace(subject, renewed=renewed)

        return self._run_with(self._create, before=peeking)

    def slow_clock(self, rate: float = 0.5) -> str | None:
        """The audit's three arms by a clock of that speed."""
        clock: Clock = lambda: rate * time.perf_counter()  # noqa: E731
        a_s, same_s, delayed_s = (
            tuple(self._train_s(clock, delay_s) for _ in range(ROUNDS))
            for delay_s in (0.0, 0.0, DELAY_S)
        )
        arms = Arms(
            experiment=self._experiment,
            a_s=a_s,
            same_s=same_s,
            delayed_s=delayed_s,
            injected_s=(DELAY_S,) * ROUNDS,
        )
        delay = delay_found(arms)
        if delay.found:
            return None
        return f"of {DELAY_S:.2f} s injected {delay.found_s:.2f} s were found"

    def _train_s(self, clock: Clock, delay_s: float) -> float:
        data = datasets.open_cached(self._prepared)
        experiment = replace(self._experiment, goal="throughput", epochs=ONE_STEP)
        made, test = material.setup(Run(experiment=experiment, seed=0), data)
        trainer = self._create(made)

        def train() -> None:
            time.sleep(WORK_S + delay_s)  # steadier than work, on a busy machine too
            trainer.train()

        measured = _measured(material.subject(trainer, made, test, data), clock=clock, train=train)
        return measured.phases.train_s

    def withheld(self, name: str) -> str | None:
        """Whether a run would get a variable that changes what its framework does."""
        given = environment(self._experiment, {name: "1"})
        return None if name in given else f"{name} is withheld, and named in the record"

    def warm_cache(self) -> str | None:
        """Two processes in turn, each asked what lies where its compiler keeps its work."""
        for _ in range(2):
            before = processes.ask(
                faults.__name__, None, list[str], limit_s=60, experiment=self._experiment
            )
        return None if before else "each run begins with an empty cache"

    def refusal_of_an_honest_run(self) -> str | None:
        """What the guards hold against the trainer as it is; None: nothing."""
        return (
            self._certificate_against(self._create, STARTS)
            or self._run_with(self._create)
            or self._run_with(faults.wrapped(self._create, faults.WorksLater))
        )


def _measured(subject: Subject, **others: Any) -> Measurement:
    return measure(subject, start_s=0, import_s=0, data_s=0, keep=lambda weights: None, **others)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
