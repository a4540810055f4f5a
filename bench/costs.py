"""What a run reached of what its machine can do, and what it cost. Pure functions over records.

The roofline model (Williams, Waterman and Patterson, 'Roofline', Communications of the ACM 52,
2009): a step that does F operations and moves B bytes takes at least the longer of F / peak
operations a second and B / peak bytes a second. F and B come from the layers, ``models.cost``;
the peaks were measured on the machine by an audit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench import ledger, stats
from bench.audit_record import Audit, Peak
from bench.experiment import Experiment
from bench.record import Record
from bench.stats import Replicates, host
from models import cost

ELEMENT_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2}  # of a number in a product
EXPLAINED = 0.5  # the share of a step's time that its work must explain, or something else does
SECONDS_PER_HOUR = 3600.0

Limit = Literal["compute-bound", "memory-bound", "launch-bound"]


def training_flop_per_image(record: Record) -> float | None:
    """Operations of one image forward and backward; None for an unknown architecture."""
    return cost.training_flop(record.experiment.architecture, len(record.data.class_names))


def inference_flop_per_image(record: Record) -> float | None:
    """Operations of one image forward; None for an unknown architecture."""
    return cost.inference_flop(record.experiment.architecture, len(record.data.class_names))


def training_flop_per_s(record: Record) -> float | None:
    """Operations a second that training reached, over all steps after the warm-up."""
    return _product(stats.throughput_images_per_s(record), training_flop_per_image(record))


def step_bytes(record: Record) -> float | None:
    """Bytes that a mean step must move at least, as ``models.cost`` counts them."""
    experiment = record.experiment
    images = ledger.images_per_step(record)
    if images is None:
        return None
    return cost.step_bytes(
        experiment.architecture,
        len(record.data.class_names),
        images=images,
        optimizer=experiment.optimizer,
        momentum=experiment.momentum,
        element_bytes=ELEMENT_BYTES[experiment.precision],
    )


def intensity_flop_per_byte(record: Record) -> float | None:
    """Arithmetic intensity: operations for each byte that a step must move."""
    flop = _product(training_flop_per_image(record), ledger.images_per_step(record))
    moved = step_bytes(record)
    return None if flop is None or not moved else flop / moved


def roof_flop_per_s(peak: Peak, intensity: float) -> float:
    """The most that the machine can do at an arithmetic intensity (FLOP/byte)."""
    return min(peak.flop_per_s, intensity * peak.bytes_per_s)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an experiment stands under its roof: means over its runs."""

    intensity: float  # FLOP/byte
    flop_per_s: float
    peak: Peak

    @property
    def roof_flop_per_s(self) -> float:
        """The roof above it."""
        return roof_flop_per_s(self.peak, self.intensity)

    @property
    def share_of_peak(self) -> float:
        """What was reached, as a fraction of the machine's peak."""
        return self.flop_per_s / self.peak.flop_per_s

    @property
    def share_of_roof(self) -> float:
        """What was reached, as a fraction of the roof.

        It is also the share of a step's time that its work explains: the longer of compute
        time and memory time, over the time the step took.
        """
        return self.flop_per_s / self.roof_flop_per_s

    @property
    def above_peak(self) -> bool:
        """Whether it did more than the peak, which was then measured too low."""
        return self.flop_per_s > self.peak.flop_per_s

    @property
    def cached(self) -> bool:
        """Whether it is faster than memory could bring its bytes: caches kept some of them."""
        return self.flop_per_s > self.intensity * self.peak.bytes_per_s

    @property
    def limit(self) -> Limit:
        """What holds it back.

        'launch-bound' where neither computing nor moving bytes explains half of a step's time:
        the rest is what the framework does to get each step going. On a GPU that is launching
        kernels; on a CPU it is overhead of any kind, Python's, the framework's, of products too
        small to be efficient.
        """
        # what caches kept did not wait for memory: only computing can explain its time
        explained = self.share_of_peak if self.cached else self.share_of_roof
        if explained < EXPLAINED:
            return "launch-bound"
        computes = self.intensity * self.peak.bytes_per_s >= self.peak.flop_per_s
        return "compute-bound" if computes or self.cached else "memory-bound"


def place(group: Replicates) -> Place | None:
    """None where no peak was measured, no run ended well, or the architecture is not known."""
    found = peak(group)
    reached = group.summary(training_flop_per_s)
    intensity = group.summary(intensity_flop_per_byte)
    if found is None or reached is None or intensity is None:
        return None
    return Place(intensity=intensity.mean, flop_per_s=reached.mean, peak=found)


def peak(group: Replicates) -> Peak | None:
    """The peak of the group's machine for its device, precision and threads.

    The fastest where several libraries were tried. None where none was measured, or on another
    machine.
    """
    audit = group.evidence.audit
    if audit is None or not _same_machine(audit, group):
        return None
    asked = _axes(group.experiment)
    found = (p for p in audit.peaks if (p.device, p.precision, p.threads) == asked)
    return max(found, key=lambda one: one.flop_per_s, default=None)


def _axes(experiment: Experiment) -> tuple[str, str, int | None]:
    return experiment.device, experiment.precision, experiment.threads


def _same_machine(audit: Audit, group: Replicates) -> bool:
    gpus = {gpu.name for gpu in audit.machine.gpus}
    wanted = {gpu.name for gpu in group.records[0].machine.gpus}
    on_cpu = group.experiment.device == "cpu"
    return host(audit.machine) == group.host and (on_cpu or gpus == wanted)


# Energy and price


def joules_per_image(record: Record) -> float | None:
    """Joules of training one image; None where energy was not measured."""
    energy = record.measurement.energy if record.measurement else None
    if energy is None or energy.joules is None or not energy.images:
        return None
    return energy.joules / energy.images


def watts(record: Record) -> float | None:
    """Mean power while training; None where energy was not measured."""
    energy = record.measurement.energy if record.measurement else None
    if energy is None or energy.joules is None or not energy.window_s:
        return None
    return energy.joules / energy.window_s


def joules_to_target(record: Record, target: float) -> float | None:
    """Joules of the training images up to the target; None: not measured or never met."""
    if record.measurement is None:
        return None
    evaluations = record.measurement.evaluations
    images = next((seen.images_seen for seen in evaluations if seen.accuracy >= target), None)
    return _product(joules_per_image(record), images)


def price_to_target(record: Record, target: float, price_per_h: float) -> float | None:
    """What the machine costs from cold start to the target, start-up and training seconds.

    ``price_per_h`` is of the machine; the result is in the same currency. Evaluations are off
    the clock here as they are in the time to the target. None: the target was never met.
    """
    start_up_s = stats.start_up_s(record)
    train_s = stats.time_to_accuracy_s(record, target)
    if start_up_s is None or train_s is None:
        return None
    return price_per_h * (start_up_s + train_s) / SECONDS_PER_HOUR


def _product(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other
