"""What was seen beside a measurement: the machine before it, the GPU during it, the trainer after.

A part of ``bench.results.record``, which hands its names on.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

# Of what disturbs a run: the share that a record has of it, and how that is said.
DISTURBANCES = (
    ("others_share", "other programs took {} of the processors"),
    ("throttled_share", "heat held the GPU back for {} of the time"),
)


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """How the machine was just before a run: the same small matrix product, again and again."""

    product_s: tuple[float, ...]  # of each product, in order
    busy: float | None = None  # share of all processors' time others took meanwhile, 0..1
    clock_hz: float | None = None  # of the processors, where the system tells


@dataclass(frozen=True, kw_only=True)
class GpuSamples:
    """The GPU while it trained, asked of its driver a few times a second; equally spaced.

    A question that the driver does not answer leaves its tuple empty.
    """

    period_s: float  # from one sample to the next
    samples: int
    clock_hz: tuple[float, ...] = ()  # of its multiprocessors
    temperature_c: tuple[float, ...] = ()
    power_w: tuple[float, ...] = ()
    reasons: dict[str, int] = field(default_factory=dict)  # for a low clock -> samples with it
    throttled: int = 0  # samples in which heat or a fault of the power supply held it back

    @property
    def throttled_share(self) -> float:
        """The part of the samples in which it was held back, 0..1."""
        return self.throttled / self.samples if self.samples else 0.0


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """A few training steps given to an idle device, again and again; seconds from the start.

    Where a device has done them as soon as they are given, it has waited for them: what launches
    its kernels is what takes the time.
    """

    steps: int
    given_s: tuple[float, ...]  # until the call that gives them returned
    done_s: tuple[float, ...]  # until the device had done them

    @property
    def waiting(self) -> float:
        """The part of the time in which the device was still being given work, 0..1."""
        return statistics.median(self.given_s) / max(statistics.median(self.done_s), 1e-9)


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """An all-reduce of one size among all replicas, again and again."""

    bytes: int  # that each replica gives
    samples_s: tuple[float, ...]  # of each, in order


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """The two parts of a step on several replicas, timed apart before training.

    What training then takes is predicted from these alone: see ``bench.stats.scaling``.
    """

    replicas: int  # that took part, counted by an all-reduce among them
    steps: int  # a sample
    samples_s: tuple[float, ...]  # of steps of all replicas at once that exchange nothing
    exchanges: tuple[Exchange, ...]  # of ascending size; the last one that of all gradients


@dataclass(frozen=True, kw_only=True)
class Energy:
    """Joules of training, read off the hardware's own counters; or why they could not be."""

    meter: str  # what was read, such as 'NVML' or 'RAPL'; '' where nothing was
    unavailable: str | None = None  # why nothing was measured; None: it was
    joules: float | None = None  # over the window
    window_s: float | None = None  # training was repeated until it was this long
    images: int | None = None  # training images within the window


@dataclass(frozen=True, kw_only=True)
class Recheck:
    """What the timed trainer showed when it was asked again, after every clock had stopped."""

    execution: str  # as observed: one of bench.experiment.EXECUTIONS
    answers_deviation: float | None  # from the float64 referee's; None: it has no referee
    dropout_seen: bool | None  # in the loss of a step; None: not told apart from rounding
