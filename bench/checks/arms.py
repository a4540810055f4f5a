"""One experiment as three arms: twice the very same, and once with a known delay.

The runs go through the suite's own machinery, each in a process of its own, so what is audited
is what measures. What the equal arms differ by is this machine's noise; what the delayed arm
takes longer is set beside the delay.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.checks import AuditError
from bench.experiment import Experiment, Run, recipe, segments, total_steps
from bench.results.evidence import Arms
from bench.results.folder import Results
from bench.results.record import Pulse, Record
from bench.run.leftovers import scratch_prefix
from bench.run.scheduler import Site, run_one
from bench.stats import runs
from bench.trainers import FRAMEWORKS, Setup
from datasets import Progress, Stage

# What the audit runs: a few steps of the MLP, on drawn images, which every machine has.


TASK, SOURCE, ARCHITECTURE = "digits", "glyphs", "mlp"
CLASSES = 10
BATCH_SIZE = 128


def experiment(framework: str, device: str, epochs: float) -> Experiment:
    """Training steps alone, by the execution that users of the framework get without asking."""
    training = recipe(TASK, ARCHITECTURE)
    return Experiment(
        task=TASK,
        source=SOURCE,
        architecture=ARCHITECTURE,
        framework=framework,
        execution=FRAMEWORKS[framework].default_execution(device),
        device=device,
        goal="throughput",
        batch_size=BATCH_SIZE,
        epochs=epochs,
        optimizer=training.optimizer,
        learning_rate=training.learning_rate,
        momentum=training.momentum,
    )


def setup(experiment: Experiment, images: int) -> Setup:
    """What a trainer is made from, with so many images of noise in ten classes."""
    random = np.random.default_rng(0)
    noise = random.standard_normal((images, 28, 28), dtype=np.float32)
    few = noise[:CLASSES]
    return Setup(
        experiment=experiment,
        seed=0,
        classes=CLASSES,
        train_images=noise,
        train_labels=random.integers(CLASSES, size=images),
        validation_images=few,
        test_size=len(few),
    )


TRIAL_EPOCHS = 0.5  # of the run that finds out how long a run has to be
TRAIN_S = 0.6  # about so long each run trains: far above the timer, and soon done
REPEATS = 2  # of a run that other programs disturb, at most: as of a suite's own
DELAY_SHARE = 0.05  # of what the first run of the first arm trains
A, SAME, DELAYED = "a", "same", "delayed"
EQUAL = (A, SAME)


@dataclass(kw_only=True)
class Bench:
    """Where the arms are run, how far they are, and what was seen of the machine meanwhile."""

    site: Site  # its data include the drawn images; its folder is not used
    progress: Progress
    stage: Stage
    runs: int = 0
    disturbed: int = 0  # of these runs, to the last try
    pulses: list[Pulse] = field(default_factory=list)  # taken before each run

    def train_s(self, run: Run, arm: str, injected_s: float = 0.0) -> float:
        """Run one and return its training seconds; raises AuditError where it fails.

        What other programs disturb is run again, as in a suite: the noise is of undisturbed runs.
        """
        for _ in range(1 + REPEATS):
            record = self._record(run, arm, injected_s)
            if record.pulse is not None:
                self.pulses.append(record.pulse)
            if not record.disturbed:
                break
        self.runs += 1
        self.disturbed += record.disturbed
        self.progress(self.stage, self.runs)
        step_s = runs.step_s(record)  # of an accelerator the sustained one, as its throughput is
        if step_s is None:
            framework = run.experiment.framework
            raise AuditError(f"a run of {framework}: {record.status}: {record.reason}")
        return step_s * total_steps(run.experiment, record.data.train_images)

    def _record(self, run: Run, arm: str, injected_s: float) -> Record:
        """In a folder of its own: the arms of a round bear the same name."""
        with tempfile.TemporaryDirectory(prefix=f"{scratch_prefix()}audit-{arm}-") as folder:
            site = replace(self.site, results=Results(Path(folder)), energy=False)
            return run_one(run, site, _Quiet(), injected_s=injected_s)


class _Quiet:
    """A display of nothing: the stage moves by whole runs."""

    def started(self, run: Run) -> None:
        """Nothing."""

    def advanced(self, phase: str, done: int, total: int) -> None:
        """Nothing."""

    def disturbed(self, record: Record) -> None:
        """Nothing: it is the arms that have a run repeated."""

    def ended(self, record: Record) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def sized(framework: str, device: str, bench: Bench) -> Experiment:
    """The audit's experiment, of as many steps as take about TRAIN_S here.

    Raises AuditError where its trial run fails.
    """
    trial = experiment(framework, device, TRIAL_EPOCHS)
    trial_s = bench.train_s(Run(experiment=trial, seed=0), "trial")
    return replace(trial, epochs=epochs(trial_s))


def epochs(trial_s: float) -> float:
    """Epochs that take about TRAIN_S where TRIAL_EPOCHS took ``trial_s``; a tenth at least."""
    return max(0.1, round(TRIAL_EPOCHS * TRAIN_S / trial_s, 1))


def compare(
    experiment: Experiment,
    rounds: int,
    bench: Bench,
    *,
    arms: tuple[str, ...] = (A, SAME, DELAYED),
    first_seed: int = 0,
    injected_s: float | None = None,
) -> Arms:
    """Run the arms, round by round.

    Args:
        experiment: that of every arm.
        rounds: how often each arm is run.
        bench: where.
        arms: EQUAL for the two equal arms alone.
        first_seed: of the first round; each further round has the next.
        injected_s: the delay of each run of the delayed arm; None: DELAY_SHARE of the training
            seconds of the very first run, which is of the first arm.

    Raises AuditError where a run fails.
    """
    seconds: dict[str, list[float]] = {A: [], SAME: [], DELAYED: []}
    for run, arm in turns(experiment, rounds, arms, first_seed):
        if arm == DELAYED and injected_s is None:
            injected_s = DELAY_SHARE * seconds[A][0]
        delay_s = (injected_s or 0.0) / _calls(experiment, bench) if arm == DELAYED else 0.0
        seconds[arm].append(bench.train_s(run, arm, delay_s))
    return Arms(
        experiment=experiment,
        a_s=tuple(seconds[A]),
        same_s=tuple(seconds[SAME]),
        delayed_s=tuple(seconds[DELAYED]),
        injected_s=(injected_s or 0.0,) * len(seconds[DELAYED]),
    )


def turns(
    experiment: Experiment, rounds: int, arms: tuple[str, ...], first_seed: int
) -> Iterator[tuple[Run, str]]:
    """Each round has a seed of its own, and every other goes backwards: ABC, CBA, ABC.

    So a machine that slows down in the course of the audit slows all arms alike.
    """
    for round_ in range(rounds):
        run = Run(experiment=experiment, seed=first_seed + round_)
        for arm in arms if round_ % 2 == 0 else reversed(arms):
            yield run, arm


def _calls(experiment: Experiment, bench: Bench) -> int:
    """How often a run calls ``train``: the delay of a run is spread over them."""
    images = bench.site.data[experiment.task, experiment.source][1].train_images
    return sum(1 for _ in segments(experiment, 0, images))
