"""What a results folder holds beside its records: one immutable type for each kind of file.

Certificates, the audit, exports, the measurement of ensembles and the facts of the suite. Raw
values only: what can be computed from them is computed on reading. ``bench.results.folder`` knows
where each file lies, and reads and writes it.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from bench.experiment import Experiment, Precision, in_file_name
from bench.results.record import Inference, Machine
from bench.results.sound import RecordError, numbers, parse, texts

Kind = TypeVar("Kind")


# certificates/NAME.json: does a framework do the same work as the referee? (bench.checks.certify)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One quantity beside the referee's."""

    quantity: str  # 'logits at step 0', 'gradients at step 1', ...
    deviation: float  # the largest difference over the largest magnitude of the referee's
    tolerance: float
    reason: str  # why the tolerance is what it is

    @property
    def passed(self) -> bool:
        """Whether the deviation is within the tolerance; not-a-number is not."""
        return self.deviation <= self.tolerance


# All of an experiment that decides which code computes it.
SUBJECT = ("framework", "execution", "architecture", "device", "precision", "threads", "replicas")


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """What was checked of one framework, and what came out."""

    framework: str
    execution: str
    architecture: str
    device: str
    precision: Precision
    threads: int | None
    replicas: int = 1
    versions: dict[str, str]  # 'python' and the framework's packages -> version
    data: str  # the images used: task, source and fingerprint
    checks: tuple[Check, ...] = ()
    starts: int = 1  # how many starts were tried; of several each check has its smallest deviation
    failure: str | None = None  # why it could not be checked at all; None: it could
    made_at: str  # UTC, ISO 8601

    @property
    def passed(self) -> bool:
        """Whether it was checked and every check passed."""
        return self.failure is None and bool(self.checks) and all(c.passed for c in self.checks)

    @property
    def name(self) -> str:
        """A file name: one certificate for each subject."""
        threads = "" if self.threads is None else f"_t{self.threads}"
        replicas = "" if self.replicas == 1 else f"_r{self.replicas}"
        return (
            f"{self.architecture}_{self.framework}-{self.execution}_{in_file_name(self.device)}"
            f"_{self.precision}{threads}{replicas}"
        )

    def covers(self, experiment: Experiment, versions: dict[str, str]) -> bool:
        """Whether it speaks of this experiment, run with these versions."""
        same = all(getattr(self, axis) == getattr(experiment, axis) for axis in SUBJECT)
        return same and self.versions == versions and not experiment.native


# audit.json: what is known of the clock and of the machine (bench.checks.auditing)


@dataclass(frozen=True, kw_only=True)
class Timer:
    """The clock itself."""

    name: str  # of the clock as the system calls it
    resolution_s: float  # the smallest step seen between two different readings
    cost_s: float  # of one reading: the median


@dataclass(frozen=True, kw_only=True)
class Arms:
    """One experiment as three arms, each run in turn, in processes of their own.

    ``a_s`` and ``same_s`` are the very same; ``delayed_s`` has a known delay in its training.
    Entry i of each is round i, with the same seed.
    """

    experiment: Experiment
    a_s: tuple[float, ...]  # training seconds
    same_s: tuple[float, ...]
    delayed_s: tuple[float, ...]
    injected_s: tuple[float, ...]  # the delay put into each run of delayed_s


@dataclass(frozen=True, kw_only=True)
class Unsynchronised:
    """A clock that does not wait for a device that works on its own, beside one that does."""

    device: str
    false_s: float | None = None  # median seconds of a stretch, not waiting
    true_s: float | None = None  # the same stretch, waiting
    unavailable: str | None = None  # why it was not measured


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The most that a device was seen to do, by large matrix products and copies."""

    device: str
    precision: str  # as of Experiment.precision
    threads: int | None  # as of Experiment.threads
    flop_per_s: float
    bytes_per_s: float  # read and written, of a copy too large for any cache
    by: str  # the library that did it, with its version
    launch_s: float | None = None  # of the smallest kernel, many in a row; None: not a GPU


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One audit of one machine."""

    made_at: str  # UTC, ISO 8601
    machine: Machine
    timer: Timer
    arms: Arms | None = None  # on the CPU, where that was audited
    elsewhere: tuple[Arms, ...] = ()  # on other devices, one each
    repetitions: tuple[Arms, ...] = ()  # further equal arms: how often chance names a winner
    unsynchronised: tuple[Unsynchronised, ...] = ()
    peaks: tuple[Peak, ...] = ()
    warnings: tuple[str, ...] = ()  # each says what to do

    @property
    def every_arms(self) -> tuple[Arms, ...]:
        """The arms of all devices that were audited."""
        return (*filter(None, (self.arms,)), *self.elsewhere)

    @property
    def repeated(self) -> Arms | None:
        """The arms that the repetitions repeat; None: there are none."""
        first = self.repetitions[0] if self.repetitions else None
        return self.arms_on(first.experiment.device) if first else None

    def arms_on(self, device: str) -> Arms | None:
        """Those of one device; None: it was not audited."""
        known = (arms for arms in self.every_arms if arms.experiment.device == device)
        return next(known, None)


# exports/RUN.json, beside exports/RUN.onnx: a saved model in ONNX Runtime (bench.saved.export)


@dataclass(frozen=True, kw_only=True)
class ExportRound:
    """One turn of each network at one batch size, in one process, the framework's own first."""

    own: Inference
    exported: Inference


@dataclass(frozen=True, kw_only=True)
class Export:
    """One saved model in ONNX Runtime, beside the same model in the framework that trained it."""

    run_id: str
    experiment: Experiment
    seed: int
    own: str  # what ran the saved model beside ONNX Runtime, such as 'pytorch eager'
    model_sha256: str  # of the saved model's file, hex
    onnx_sha256: str  # of the .onnx file, hex
    opset: int  # of ONNX's own operators
    versions: dict[str, str]  # 'python', the framework's packages, 'onnx', 'onnxruntime'
    threads: int  # of ONNX Runtime
    images: int  # test images compared: all there are
    images_fingerprint: str  # of the data they are of, as in ``bench.results.record.Data``
    absolute_deviation: float  # the largest difference of a logit
    logits: Check  # the same, relative to the largest logit
    differing: int  # images that the two give different classes
    rounds: tuple[ExportRound, ...]  # in the order in which they were measured
    machine: Machine
    made_at: str  # UTC, ISO 8601

    @property
    def passed(self) -> bool:
        """Whether the two do the same: logits within the tolerance, no image told otherwise."""
        return self.logits.passed and self.differing == 0

    @property
    def own_inference(self) -> tuple[Inference, ...]:
        """All rounds of the framework's own network together; the large batch, then batch 1."""
        return _together(turns.own for turns in self.rounds)

    @property
    def inference(self) -> tuple[Inference, ...]:
        """All rounds of ONNX Runtime together, as ``Measurement.inference`` of a record."""
        return _together(turns.exported for turns in self.rounds)


def _together(turns: Iterable[Inference]) -> tuple[Inference, ...]:
    samples_s: dict[int, tuple[float, ...]] = {}
    for turn in turns:
        samples_s[turn.batch_size] = samples_s.get(turn.batch_size, ()) + turn.samples_s
    return tuple(
        Inference(batch_size=size, samples_s=samples_s[size])
        for size in sorted(samples_s, reverse=True)
    )


# ensembling.json: members of an ensemble trained at once and one by one (bench.study.ensembling)

Way = Literal["one by one", "vmap", "batched"]


@dataclass(frozen=True, kw_only=True)
class EnsembleSetting:
    """What is trained: M networks of 784-width-classes, all on the same batches."""

    members: int
    width: int  # hidden units of a member
    batch_size: int
    steps: int  # optimiser steps of each member in a round
    device: str
    classes: int = 10


@dataclass(frozen=True, kw_only=True)
class EnsembleArm:
    """One way to train them."""

    way: Way
    rounds_s: tuple[float, ...]  # seconds of each round; entry i of every arm is round i
    # of the weights after as many steps from the same start, from those of 'one by one', as a
    # share of how far they moved: means over a tensor, and of the tensors the largest
    deviation: float


@dataclass(frozen=True, kw_only=True)
class EnsembleTimes:
    """One setting, every way."""

    setting: EnsembleSetting
    threads: int  # of PyTorch, in an operation
    arms: tuple[EnsembleArm, ...]

    def arm(self, way: Way) -> EnsembleArm:
        """The arm of that way."""
        return next(arm for arm in self.arms if arm.way == way)


@dataclass(frozen=True, kw_only=True)
class Ensembling:
    """All settings that were measured together."""

    made_at: str  # UTC, ISO 8601
    machine: Machine
    versions: dict[str, str]
    timed: tuple[EnsembleTimes, ...]
    schema_version: int = 1


# suite.json, and all that reports use


@dataclass(frozen=True, kw_only=True)
class Commit:
    """A state of the project's own files."""

    id: str  # hexadecimal
    time: str  # of the commit, ISO 8601
    dirty: bool = False  # True: a file that git keeps was not as in the commit


@dataclass(frozen=True, kw_only=True)
class SuiteFacts:
    """What was decided for a whole suite."""

    price_per_h: float | None = None  # of the machine, in the user's currency; None: not given
    seeds_stopped: str | None = None  # why --seeds auto stopped, a sentence; None: seeds were given
    commit: Commit | None = None  # that measured all of its runs; None: not known, or several


def read_price(text: str) -> float:
    """A price an hour as it is given on a command line: '2.50/h' -> 2.5.

    Raises argparse.ArgumentTypeError that says what came and what to give instead.
    """
    amount, _, unit = text.partition("/")
    try:
        price_per_h = float(amount)
    except ValueError:
        price_per_h = 0.0
    if unit != "h" or not 0 < price_per_h < float("inf"):
        raise ArgumentTypeError(f"{text!r} is no price an hour; give one such as 2.50/h")
    return price_per_h


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What reports say of a folder beyond its records; an absent file is absent evidence."""

    certificates: tuple[Certificate, ...] = ()
    audit: Audit | None = None
    suite: SuiteFacts = SuiteFacts()
    exports: tuple[Export, ...] = ()

    def certificate(self, experiment: Experiment, versions: dict[str, str]) -> Certificate | None:
        """The certificate that covers an experiment; None where there is none."""
        return next((c for c in self.certificates if c.covers(experiment, versions)), None)

    def export(self, run_id: str) -> Export | None:
        """What the export of a run's saved model left; None where there is none."""
        return next((e for e in self.exports if e.run_id == run_id), None)


NONE = Evidence()

# What a folder has one of, and its file there.
FILES: Mapping[type, str] = {
    Audit: "audit.json",
    Ensembling: "ensembling.json",
    SuiteFacts: "suite.json",
}
NAMES: Mapping[type, str] = {
    Certificate: "a certificate",
    Audit: "an audit",
    SuiteFacts: "the facts of a suite",
    Export: "an export",
    Ensembling: "a measurement of ensembles",
}


def decode(content: bytes, path: Path, kind: type[Kind]) -> Kind:
    """Read a file of one of the kinds in ``NAMES``, and check its types, ranges and checksum.

    Raises RecordError naming ``path`` and what it should have been.
    """
    evidence = parse(content, path, kind, NAMES[kind])
    for problem in unsound(evidence):
        raise RecordError(f"{path}: this cannot be {NAMES[kind]}: {problem}")
    return evidence


def unsound(evidence: object) -> Iterator[str]:
    """What of one of the kinds in ``NAMES`` cannot be, in words; nothing of a sound one."""
    yield from numbers(evidence, "")
    yield from texts(evidence, "")
    yield from _unfit(evidence)


def _unfit(evidence: object) -> Iterator[str]:
    """What does not fit together."""
    if isinstance(evidence, Certificate) and any(not c.tolerance > 0 for c in evidence.checks):
        yield "checks: a tolerance of 0"
    if isinstance(evidence, Audit):
        if not all(peak.flop_per_s > 0 and peak.bytes_per_s > 0 for peak in evidence.peaks):
            yield "peaks: a machine that does nothing"
        for arms in (*evidence.every_arms, *evidence.repetitions):
            rounds = {len(arms.a_s), len(arms.same_s), len(arms.delayed_s) or len(arms.a_s)}
            seconds = (*arms.a_s, *arms.same_s, *arms.delayed_s)
            if len(rounds) > 1 or len(arms.injected_s) != len(arms.delayed_s):
                yield "arms: not as many rounds in each"
            elif not all(second > 0 for second in seconds):
                yield "arms: a run that took no time"
