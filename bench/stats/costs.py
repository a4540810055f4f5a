"""What runs cost, and what they reached of what their machine can do. Pure functions over records.

First the roofline, then joules and money, then when a longer start-up has paid for itself.

The roofline model (Williams, Waterman and Patterson, 'Roofline', Communications of the ACM 52,
2009): a step that does F operations and moves B bytes takes at least the longer of F / peak
operations a second and B / peak bytes a second. F and B come from the layers, ``models.cost``;
the peaks were measured on the machine by an audit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations
from statistics import fmean
from typing import Literal, TypeVar

from bench.experiment import COMPILED, Experiment
from bench.results.evidence import Audit, Peak
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates, host
from models import cost

ELEMENT_BYTES = {"fp32": 4, "tf32": 4, "bf16": 2}  # of a number in a product
EXPLAINED = 0.5  # the share of a step's time that its work must explain, or something else does
WAITING = 0.8  # the share of some steps' time in which the device was still being given work
SECONDS_PER_HOUR = 3600.0

Limit = Literal["compute-bound", "memory-bound", "launch-bound", "not explained"]
Pair = tuple[Replicates, Replicates]
Reading = TypeVar("Reading")


def each(
    groups: Iterable[Replicates], reading: Callable[[Replicates], Reading | None]
) -> list[tuple[Replicates, Reading]]:
    """The groups that have a reading, each with its reading."""
    readings = ((group, reading(group)) for group in groups)
    return [(group, known) for group, known in readings if known is not None]


# The roofline


def training_flop_per_image(record: Record) -> float | None:
    """Operations of one image forward and backward; None for an unknown architecture."""
    return cost.training_flop(record.experiment.architecture, len(record.data.class_names))


def inference_flop_per_image(record: Record) -> float | None:
    """Operations of one image forward; None for an unknown architecture."""
    return cost.inference_flop(record.experiment.architecture, len(record.data.class_names))


def training_flop_per_s(record: Record) -> float | None:
    """Operations a second that training reached, over all steps after the warm-up."""
    return _product(runs.throughput_images_per_s(record), training_flop_per_image(record))


def step_bytes(record: Record) -> float | None:
    """Bytes that a mean step must move at least, as ``models.cost`` counts them."""
    experiment = record.experiment
    images = runs.images_per_step(record)
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
    flop = _product(training_flop_per_image(record), runs.images_per_step(record))
    moved = step_bytes(record)
    return None if flop is None or not moved else flop / moved


def roof_flop_per_s(peak: Peak, intensity: float) -> float:
    """The most that the machine can do at an arithmetic intensity (FLOP/byte)."""
    return min(peak.flop_per_s, intensity * peak.bytes_per_s)


@dataclass(frozen=True, kw_only=True)
class RooflinePoint:
    """What an experiment reached under its roof: means over its runs."""

    intensity: float  # FLOP/byte
    flop_per_s: float
    peak: Peak
    waiting: float | None  # as of Dispatch; None: not measured, as on a CPU

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

        Where neither computing nor moving bytes explains half of a step's time it is
        'launch-bound' if the device was seen to wait for its work, and else 'not explained': on a
        CPU that may be Python, the framework, or products and convolutions that are not efficient.
        """
        # what caches kept did not wait for memory: only computing can explain its time
        explained = self.share_of_peak if self.cached else self.share_of_roof
        if explained < EXPLAINED:
            waited = self.waiting is not None and self.waiting >= WAITING
            return "launch-bound" if waited else "not explained"
        computes = self.intensity * self.peak.bytes_per_s >= self.peak.flop_per_s
        return "compute-bound" if computes or self.cached else "memory-bound"


def roofline_point(group: Replicates) -> RooflinePoint | None:
    """None where no peak was measured, no run ended well, or the architecture is not known."""
    highest = peak(group)
    reached = group.summary(training_flop_per_s)
    intensity = group.summary(intensity_flop_per_byte)
    if highest is None or reached is None or intensity is None:
        return None
    waited = group.summary(waiting)
    return RooflinePoint(
        intensity=intensity.mean,
        flop_per_s=reached.mean,
        peak=highest,
        waiting=waited.mean if waited else None,
    )


def waiting(record: Record) -> float | None:
    """The part of some steps' time in which a device was given its work; None: unknown."""
    dispatch = record.measurement.dispatch if record.measurement else None
    return dispatch.waiting if dispatch else None


def peak(group: Replicates) -> Peak | None:
    """The peak of the group's machine for its device, precision and threads.

    The fastest where several libraries were tried. None where none was measured, or on another
    machine.
    """
    audit, experiment = group.evidence.audit, group.experiment
    if audit is None or not _same_machine(audit, group):
        return None
    wanted = (experiment.device, experiment.precision, experiment.threads)
    peaks = (p for p in audit.peaks if (p.device, p.precision, p.threads) == wanted)
    return max(peaks, key=lambda peak: peak.flop_per_s, default=None)


def _same_machine(audit: Audit, group: Replicates) -> bool:
    audited = {gpu.name for gpu in audit.machine.gpus}
    used = {gpu.name for gpu in group.records[0].machine.gpus}
    on_cpu = group.experiment.device == "cpu"
    return host(audit.machine) == group.host and (on_cpu or audited == used)


# Energy and price


def joules_per_image(record: Record) -> float | None:
    """Joules of training one image; None where energy was not measured."""
    return _joules(record, per="images")


def watts(record: Record) -> float | None:
    """Mean power while training; None where energy was not measured."""
    return _joules(record, per="window_s")


def _joules(record: Record, *, per: str) -> float | None:
    """All joules that were read over another field of the reading."""
    energy = record.measurement.energy if record.measurement else None
    divisor = getattr(energy, per) if energy else None
    return energy.joules / divisor if energy and energy.joules is not None and divisor else None


def joules_to_target(record: Record, target: float) -> float | None:
    """Joules of the training images up to the target; None: not measured or never met."""
    reached = runs.first_at(record, target)
    return _product(joules_per_image(record), reached.images_seen if reached else None)


def price_to_target(record: Record, target: float, price_per_h: float) -> float | None:
    """What the machine costs from cold start to the target, start-up and training seconds.

    ``price_per_h`` is of the machine; the result is in the same currency. Evaluations are off
    the clock here as they are in the time to the target. None: the target was never met.
    """
    start_up_s = runs.start_up_s(record)
    train_s = runs.time_to_accuracy_s(record, target)
    if start_up_s is None or train_s is None:
        return None
    return price_per_h * (start_up_s + train_s) / SECONDS_PER_HOUR


def _product(factor: float | None, other: float | None) -> float | None:
    return None if factor is None or other is None else factor * other


# Break-even: two ways to train start after s seconds and take t seconds a step each, so that n
# steps are done after s + n·t. The lines cross at n = (s_B - s_A) / (t_A - t_B).


@dataclass(frozen=True, kw_only=True)
class Line:
    """One way to train: seconds since the cold start over steps."""

    start_up_s: float
    step_s: float

    def at(self, steps: float) -> float:
        """Seconds since the cold start when so many steps are done."""
        return self.start_up_s + steps * self.step_s


def _line(record: Record) -> Line | None:
    """Of one run; None where it did not end well."""
    start_up_s, step_s = runs.start_up_s(record), runs.step_s(record)
    if start_up_s is None or step_s is None:
        return None
    return Line(start_up_s=start_up_s, step_s=step_s)


def _lines(group: Replicates) -> dict[int, Line]:
    """The line of each run that ended well, by its seed."""
    return {record.seed: line for record in group.measured if (line := _line(record))}


def mean_line(group: Replicates) -> Line | None:
    """The mean start-up and the mean step of a group's runs; None where none ended well."""
    lines = _lines(group).values()
    if not lines:
        return None
    return Line(
        start_up_s=fmean(line.start_up_s for line in lines),
        step_s=fmean(line.step_s for line in lines),
    )


def crossing(base: Line, other: Line) -> float:
    """Steps after which ``other`` is ahead of ``base`` for good.

    0: at once, since it starts no later and is faster. Infinity: never, since its steps are no
    faster, even where it starts earlier and leads for a while.
    """
    gain_s = base.step_s - other.step_s
    if gain_s <= 0:
        return math.inf
    return max((other.start_up_s - base.start_up_s) / gain_s, 0.0)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """For which steps one way to train is ahead of another."""

    begins: float  # steps; 0: from the start; infinity: it never is
    ends: float  # steps; infinity: it stays ahead

    @property
    def stays(self) -> bool:
        """Whether it begins, and never ends."""
        return math.isfinite(self.begins) and math.isinf(self.ends)


def lead(base: Line, other: Line) -> Lead:
    """When ``other`` is ahead of ``base``."""
    if other.step_s < base.step_s:
        return Lead(begins=crossing(base, other), ends=math.inf)
    if other.start_up_s < base.start_up_s:
        return Lead(begins=0.0, ends=crossing(other, base))
    return Lead(begins=math.inf, ends=math.inf)


@dataclass(frozen=True, kw_only=True)
class BreakEven:
    """When one way to train is ahead of another, seed by seed."""

    leads: tuple[Lead, ...]  # one a seed that both have; may be empty
    lines: tuple[Line, ...]  # of the way that is overtaken, in the same order

    @property
    def paid(self) -> tuple[float, ...]:
        """Steps to break-even of the seeds for which it comes and the lead stays; ascending."""
        return tuple(sorted(lead.begins for lead in self.leads if lead.stays))

    @property
    def paid_s(self) -> tuple[float, ...]:
        """Seconds since the cold start at each of these break-evens; ascending."""
        pairs = zip(self.leads, self.lines, strict=True)
        return tuple(sorted(line.at(lead.begins) for lead, line in pairs if lead.stays))

    @property
    def lost(self) -> tuple[float, ...]:
        """Steps after which an early lead is lost, of the seeds that have one; ascending."""
        return tuple(sorted(lead.ends for lead in self.leads if math.isfinite(lead.ends)))

    @property
    def never(self) -> int:
        """Seeds for which it is never ahead."""
        return sum(math.isinf(lead.begins) for lead in self.leads)


def break_even(base: Replicates, other: Replicates) -> BreakEven:
    """When ``other`` is ahead of ``base``.

    Paired by seed: the same seed gives both the same batches in the same order.
    """
    overtaken, overtaking = _lines(base), _lines(other)
    seeds = sorted(overtaken.keys() & overtaking.keys())
    return BreakEven(
        leads=tuple(lead(overtaken[seed], overtaking[seed]) for seed in seeds),
        lines=tuple(overtaken[seed] for seed in seeds),
    )


def epoch_steps(group: Replicates) -> int:
    """Steps of an epoch, the last batch short or not."""
    return math.ceil(group.data.train_images / group.experiment.batch_size)


def eager_and_compiled(groups: Sequence[Replicates]) -> Iterator[Pair]:
    """Not compiled and compiled, in each way there is, of one framework on one device."""
    return _alike(
        permutations(groups, 2),
        ("framework", "device"),
        lambda base, other: base.execution in ("eager", "graph") and other.execution in COMPILED,
    )


def cpu_and_accelerator(groups: Sequence[Replicates]) -> Iterator[Pair]:
    """On the CPU and on another device, of one framework and execution."""
    return _alike(
        permutations(groups, 2),
        ("framework", "execution"),
        lambda base, other: base.device == "cpu" != other.device,
    )


def framework_pairs(groups: Sequence[Replicates]) -> Iterator[Pair]:
    """Every two frameworks on one device, the one that starts earlier first."""

    def starts_s(group: Replicates) -> float:
        line = mean_line(group)
        return line.start_up_s if line else math.inf

    return _alike(
        combinations(sorted(groups, key=starts_s), 2),
        ("device",),
        lambda base, other: base.framework != other.framework,
    )


def _alike(
    pairs: Iterable[Pair], fields: Sequence[str], differ: Callable[[Experiment, Experiment], bool]
) -> Iterator[Pair]:
    """The pairs whose experiments have the same values in these fields, and differ as asked."""
    for base, other in pairs:
        same = all(getattr(base.experiment, f) == getattr(other.experiment, f) for f in fields)
        if same and differ(base.experiment, other.experiment):
            yield base, other
