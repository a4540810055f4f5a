"""After how many steps a longer start-up has paid for itself. Pure functions.

Two ways to train start after s seconds and take t seconds a step each, so that n steps are done
after s + n·t. The lines cross at n = (s_B - s_A) / (t_A - t_B).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import ledger, stats
from bench.record import Record
from bench.stats import Replicates


@dataclass(frozen=True, kw_only=True)
class Line:
    """One way to train: seconds since the cold start over steps."""

    start_up_s: float
    step_s: float

    def at(self, steps: float) -> float:
        """Seconds since the cold start when so many steps are done."""
        return self.start_up_s + steps * self.step_s


def line(record: Record) -> Line | None:
    """Of one run; None where it did not end well."""
    start_up_s, step_s = stats.start_up_s(record), ledger.step_s(record)
    if start_up_s is None or step_s is None:
        return None
    return Line(start_up_s=start_up_s, step_s=step_s)


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
    lines: tuple[Line, ...]  # of the other way, in the same order

    @property
    def paid(self) -> tuple[float, ...]:
        """Steps to break-even of the seeds for which it comes and the lead stays; ascending."""
        return tuple(sorted(one.begins for one in self.leads if _stays(one)))

    @property
    def paid_s(self) -> tuple[float, ...]:
        """Seconds since the cold start at each of these break-evens; ascending."""
        pairs = zip(self.leads, self.lines, strict=True)
        return tuple(sorted(line.at(one.begins) for one, line in pairs if _stays(one)))

    @property
    def lost(self) -> tuple[float, ...]:
        """Steps after which an early lead is lost, of the seeds that have one; ascending."""
        return tuple(sorted(one.ends for one in self.leads if math.isfinite(one.ends)))

    @property
    def never(self) -> int:
        """Seeds for which it is never ahead."""
        return sum(math.isinf(one.begins) for one in self.leads)


def _stays(one: Lead) -> bool:
    return math.isfinite(one.begins) and math.isinf(one.ends)


def break_even(base: Replicates, other: Replicates) -> BreakEven:
    """When ``other`` is ahead of ``base``.

    Paired by seed: the same seed gives both the same batches in the same order.
    """
    mine, its = ({r.seed: found for r in g.measured if (found := line(r))} for g in (base, other))
    seeds = sorted(mine.keys() & its.keys())
    return BreakEven(
        leads=tuple(lead(mine[seed], its[seed]) for seed in seeds),
        lines=tuple(mine[seed] for seed in seeds),
    )


def mean_line(group: Replicates) -> Line | None:
    """The mean start-up and the mean step of a group's runs; None where none ended well."""
    lines = [found for record in group.measured if (found := line(record))]
    if not lines:
        return None
    return Line(
        start_up_s=sum(one.start_up_s for one in lines) / len(lines),
        step_s=sum(one.step_s for one in lines) / len(lines),
    )


def epoch_steps(group: Replicates) -> int:
    """Steps of an epoch, the last batch short or not."""
    return math.ceil(group.data.train_images / group.experiment.batch_size)


def compiled(groups: Sequence[Replicates]) -> Iterator[tuple[Replicates, Replicates]]:
    """Not compiled and compiled, of one framework on one device."""
    for base in groups:
        for other in groups:
            if (
                _of(base, "framework", "device") == _of(other, "framework", "device")
                and base.experiment.execution != "compiled"
                and other.experiment.execution == "compiled"
            ):
                yield base, other


def accelerated(groups: Sequence[Replicates]) -> Iterator[tuple[Replicates, Replicates]]:
    """On the CPU and on another device, of one framework and execution."""
    for base in groups:
        for other in groups:
            if (
                _of(base, "framework", "execution") == _of(other, "framework", "execution")
                and base.experiment.device == "cpu"
                and other.experiment.device != "cpu"
            ):
                yield base, other


def rivals(groups: Sequence[Replicates]) -> Iterator[tuple[Replicates, Replicates]]:
    """Every two frameworks on one device, the one that starts earlier first."""
    ordered = sorted(groups, key=_starts)
    for place, base in enumerate(ordered):
        for other in ordered[place + 1 :]:
            if (
                base.experiment.device == other.experiment.device
                and base.experiment.framework != other.experiment.framework
            ):
                yield base, other


def _starts(group: Replicates) -> float:
    found = mean_line(group)
    return found.start_up_s if found else math.inf


def _of(group: Replicates, *names: str) -> tuple[object, ...]:
    return tuple(getattr(group.experiment, name) for name in names)
