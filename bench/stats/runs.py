"""Statistics over records: pure functions, computed on reading. No files, no framework.

First groups of runs that differ in their seed alone; then what one run did, where its wall time
went, how long a step took, and what it answered how fast.

A statistic that is not defined (the deviation of one run, a percentile of too few samples, a
target never met) is absent, None, and never 0.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np

from bench.experiment import Experiment
from bench.results.evidence import NONE, Certificate, Evidence
from bench.results.record import (
    Data,
    Evaluation,
    Inference,
    Machine,
    Phases,
    Record,
    Segment,
    Sustained,
)

GIB = 2**30
LATENCY_PERCENTILES = {"median": 0.5, "p95": 0.95, "p99": 0.99}
# in the order in which they happen
PHASES = ("start_s", *(field.name for field in fields(Phases) if field.name != "start_s"))
START_UP_PHASES = PHASES[: PHASES.index("warm_up_s") + 1]

Statistic = Callable[[Record], float | None]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Several runs in three numbers."""

    mean: float
    std: float | None  # sample standard deviation (n - 1); None where n is 1
    n: int


def summarize(values: Iterable[float | None]) -> Summary | None:
    """Mean, sample standard deviation and count of the values that are there; None of none."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    std = statistics.stdev(known) if len(known) > 1 else None
    return Summary(mean=statistics.fmean(known), std=std, n=len(known))


@dataclass(frozen=True, kw_only=True)
class Replicates:
    """The runs of one experiment on one machine, data and set of versions, one a seed."""

    experiment: Experiment
    records: tuple[Record, ...]  # in the order of their seeds; at least one
    evidence: Evidence = NONE  # what else their results folder holds

    @property
    def measured(self) -> tuple[Record, ...]:
        """The runs that ended well."""
        return tuple(record for record in self.records if record.status == "ok")

    @property
    def failed(self) -> tuple[Record, ...]:
        """The runs that did not end well."""
        return tuple(record for record in self.records if record.status != "ok")

    @property
    def disturbed(self) -> tuple[Record, ...]:
        """The measured runs that other programs disturbed: what they took is not theirs alone."""
        return tuple(record for record in self.measured if record.disturbed)

    @property
    def data(self) -> Data:
        """The data all of them were measured on."""
        return self.records[0].data

    @property
    def host(self) -> Host:
        """The machine all of them were measured on."""
        return host(self.records[0].machine)

    @property
    def versions(self) -> dict[str, str]:
        """The versions all measured runs had."""
        return (self.measured or self.records)[0].versions

    @property
    def certificate(self) -> Certificate | None:
        """The certificate of parity that covers all of them; None where there is none."""
        return self.evidence.certificate(self.experiment, self.versions)

    def summary(self, statistic: Statistic) -> Summary | None:
        """A statistic over the runs that ended well; None where none of them has it."""
        return summarize(statistic(record) for record in self.measured)


@dataclass(frozen=True, kw_only=True, order=True)
class Host:
    """A machine as far as runs can be compared on it: without its GPUs, which may be an axis."""

    cpu: str
    cores: int
    memory_gib: int  # rounded: the last bytes change with every kernel
    system: str


def host(machine: Machine) -> Host:
    """The machine without its GPUs."""
    return Host(
        cpu=machine.cpu,
        cores=machine.cores,
        memory_gib=round(machine.memory_bytes / GIB),
        system=machine.system,
    )


def replicates(records: Iterable[Record], evidence: Evidence = NONE) -> list[Replicates]:
    """Group runs that differ in their seed alone, ordered by their experiment.

    Runs of another machine, other data or other versions are never put together. A run that
    failed may know no versions; it joins the runs of its experiment that ended well.
    ``evidence`` is that of the folder the records lie in.
    """
    groups: dict[tuple[object, ...], list[Record]] = {}
    measured_first = sorted(records, key=lambda record: record.status != "ok")
    for record in measured_first:
        gpus = tuple(gpu.name for gpu in record.machine.gpus)
        kin = (record.experiment, record.data.fingerprint, host(record.machine), gpus)
        key: tuple[object, ...] = (*kin, tuple(sorted(record.versions.items())))
        if record.status != "ok":
            key = next((other for other in groups if other[:4] == kin), key)
        groups.setdefault(key, []).append(record)
    replicated = (_replicates(members, evidence) for members in groups.values())
    return sorted(replicated, key=lambda group: _sortable(group.experiment))


def _replicates(records: list[Record], evidence: Evidence) -> Replicates:
    ordered = sorted(records, key=lambda record: (record.seed, record.run_id))
    return Replicates(experiment=records[0].experiment, records=tuple(ordered), evidence=evidence)


def _sortable(experiment: Experiment) -> tuple[object, ...]:
    """Its fields in order; what was not asked for (None) comes after a number of it."""
    return tuple(
        (value is None, value or 0) if name in ("threads", "validation_share") else value
        for name, value in asdict(experiment).items()
    )


# One run. Each returns None where the run failed or did not measure it.


def throughput_images_per_s(record: Record) -> float | None:
    """Training images per second: all images over all seconds after the warm-up."""
    return _trained(record, "images", per="train_s")


def step_s(record: Record) -> float | None:
    """Mean seconds of a training step after the warm-up."""
    return _trained(record, "train_s", per="steps")


def images_per_step(record: Record) -> float | None:
    """Mean images of a step: less than the batch size where an epoch's last batch is short."""
    return _trained(record, "images", per="steps")


def _trained(record: Record, name: str, *, per: str) -> float | None:
    """The sum of one field of all segments over that of another; of the sustained training,
    where there is any: there the segments are too short to be timed.
    """
    measured = record.measurement
    segments: Sequence[Segment | Sustained] = measured.segments if measured else ()
    if measured and measured.sustained:
        segments = (measured.sustained,)
    divisor = sum(getattr(segment, per) for segment in segments)
    return sum(getattr(segment, name) for segment in segments) / divisor if divisor > 0 else None


def train_s(record: Record) -> float | None:
    """Seconds of all optimiser steps after the warm-up."""
    return phase_s(record, "train_s")


def phase_s(record: Record, name: str) -> float | None:
    """Seconds of one phase, by its name in ``Phases``; None where it did not happen."""
    return getattr(record.measurement.phases, name) if record.measurement else None


def start_up_s(record: Record) -> float | None:
    """Seconds from the start of the process to the first step that counts."""
    return _phases_s(record, START_UP_PHASES)


def cold_start_to_last_step_s(record: Record) -> float | None:
    """Start-up and all training steps; what happens between two stretches of steps left out."""
    return _phases_s(record, (*START_UP_PHASES, "train_s"))


def rest_s(record: Record) -> float | None:
    """Wall seconds in no phase: opening the data, ordering images, the recheck, the record.

    None where the run did not end well.
    """
    known_s = _phases_s(record, PHASES)
    return None if known_s is None else record.wall_s - known_s


def _phases_s(record: Record, names: Sequence[str]) -> float | None:
    """Seconds of several phases together, of those that happened."""
    seconds = (phase_s(record, name) for name in names)
    return sum(s for s in seconds if s is not None) if record.measurement else None


def wall_s(record: Record) -> float | None:
    """Seconds from the start of the process to its record; None where it did not end well."""
    return record.wall_s if record.measurement else None


def share_of_wall(record: Record, seconds: float | None) -> float | None:
    """So many seconds as a fraction of the run's wall time."""
    return None if seconds is None or record.wall_s <= 0 else seconds / record.wall_s


def test_accuracy(record: Record) -> float | None:
    """Fraction of the test images the best validation checkpoint gets right."""
    test = record.measurement.test if record.measurement else None
    return test.correct / test.images if test and test.images else None


def time_to_accuracy_s(record: Record, target: float) -> float | None:
    """Training seconds at the first evaluation with ``accuracy >= target``; None: never met."""
    reached = first_at(record, target)
    return reached.train_s if reached else None


def first_at(record: Record, target: float) -> Evaluation | None:
    """The first evaluation with ``accuracy >= target``; None: never met."""
    evaluations = record.measurement.evaluations if record.measurement else ()
    return next((each for each in evaluations if each.accuracy >= target), None)


def peak_process_memory_bytes(record: Record) -> float | None:
    """The most physical memory the run's process held."""
    return record.measurement.peak_process_memory_bytes if record.measurement else None


def peak_device_memory_bytes(record: Record) -> float | None:
    """The most memory the device's allocator held; None on a CPU, where none is counted."""
    return record.measurement.peak_device_memory_bytes if record.measurement else None


def inference_batch_size(record: Record) -> int | None:
    """The batch size that inference throughput was measured at, the largest; None: it was not."""
    large = _large_batch(record)
    return large.batch_size if large else None


def inference_images_per_s(record: Record) -> float | None:
    """Images per second at the largest batch, host memory to host memory: all over all."""
    large = _large_batch(record)
    seconds = sum(large.samples_s) if large else 0.0
    return large.batch_size * len(large.samples_s) / seconds if large and seconds > 0 else None


def _large_batch(record: Record) -> Inference | None:
    batches = [asked for asked in _inference(record) if asked.batch_size > 1]
    return max(batches, key=lambda asked: asked.batch_size, default=None)


def latency_s(record: Record, fraction: float) -> float | None:
    """A percentile of the seconds that one image takes, host memory to host memory.

    ``fraction``: 0.5 for the median, 0.95, 0.99. None where ``percentile`` is.
    """
    samples = [s for asked in _inference(record) if asked.batch_size == 1 for s in asked.samples_s]
    return percentile(samples, fraction)


def _inference(record: Record) -> tuple[Inference, ...]:
    return record.measurement.inference if record.measurement else ()


def percentile(samples: Sequence[float], fraction: float) -> float | None:
    """The value below which ``fraction`` of the samples lie, by linear interpolation.

    Hyndman and Fan, 'Sample quantiles in statistical packages', The American Statistician
    50 (1996), type 7, which is NumPy's default. None with fewer than 1 / (1 - fraction)
    samples (20 for p95, 100 for p99): it would be no more than the largest sample.
    """
    if not samples or len(samples) * (1 - fraction) < 1 - 1e-9:
        return None
    return float(np.quantile(samples, fraction))
