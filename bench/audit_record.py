"""What an audit of clock and machine leaves: one immutable record, raw values only.

Made by ``bench.audit``, written to ``audit.json`` in a results folder, read by reports. What
can be computed from it (the noise floor, whether the delay was found) is computed on reading.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.experiment import Experiment
from bench.record import Machine


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


@dataclass(frozen=True, kw_only=True)
class Audit:
    """One audit of one machine."""

    made_at: str  # UTC, ISO 8601
    machine: Machine
    timer: Timer
    arms: Arms | None = None
    repetitions: tuple[
        Arms, ...
    ] = ()  # further A/A comparisons, to see how often one names a winner
    unsynchronised: tuple[Unsynchronised, ...] = ()
    peaks: tuple[Peak, ...] = ()
    warnings: tuple[str, ...] = ()  # each says what to do
