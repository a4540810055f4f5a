"""``--seeds auto``: whether the seeds run so far are enough to tell a named ratio.

Seeds are added until the interval of the ratio of the two frameworks' throughputs is narrow
enough in every set of experiments in which both stand, or until the time is spent. Which of
the two ended it is said in the report. Looking at an interval again and again and stopping
when it is narrow favours intervals that happen to be narrow: hence at least FEWEST_SEEDS.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench import run_statistics as stats
from bench import verdict
from bench.plan import FEWEST_SEEDS
from bench.progress import minutes
from bench.record import Record
from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons, only
from bench.run_statistics import Replicates

MOST = 100  # seeds: beyond this a narrower interval is not to be had by more of the same


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is to be told, and what it may cost."""

    between: tuple[str, ...]  # two frameworks
    within: float  # the interval's upper end over its lower one, less 1
    budget_s: float


@dataclass(frozen=True, kw_only=True)
class Width:
    """How far one ratio is known."""

    subject: str
    width: float | None  # upper over lower end, less 1; None: there is no interval


def stop(goal: Goal, records: Sequence[Record], spent_s: float) -> str | None:
    """Why no further seed is needed or allowed, as a sentence; None: go on.

    ``records``: of the experiments that are run, and of no others.
    """
    seeds = len({record.seed for record in records})
    names, ran = " and ".join(goal.between), wording.counted(seeds, "seed")
    if seeds >= FEWEST_SEEDS:
        found = list(widths(goal, records))
        if found and all(one.width is not None and one.width <= goal.within for one in found):
            return (
                f"Stopped after {ran}: the interval of the ratio of {names} is "
                f"narrower than {goal.within:.1%} ({_said(found)})."
            )
    if spent_s >= goal.budget_s or seeds >= MOST:
        spent = f"the time budget of {minutes(goal.budget_s)} is spent"
        why = spent if spent_s >= goal.budget_s else f"{MOST} seeds are the most"
        return (
            f"Stopped after {ran}: {why}, before the interval of the ratio of {names} was "
            f"narrower than {goal.within:.1%} ({_said(list(widths(goal, records)))})."
        )
    return None


def widths(goal: Goal, records: Sequence[Record]) -> Iterator[Width]:
    """Of the ratio of throughputs, in every set of experiments in which both frameworks stand."""
    for comparison in comparisons(stats.replicates(records), FRAMEWORK):
        firsts, seconds = (only(comparison.groups, framework=name) for name in goal.between)
        for one in firsts:
            for other in seconds:
                paired = verdict.compare(one, other, stats.throughput_images_per_s)
                interval = paired.interval if paired else None
                yield Width(
                    subject=_subject(one),
                    width=interval.high / interval.low - 1 if interval else None,
                )


def _subject(group: Replicates) -> str:
    place = wording.place(group.experiment, ("device", "batch_size", "goal"))
    return f"{wording.subject(group.experiment, group.data)}, {place}"


def _said(found: Sequence[Width]) -> str:
    return "; ".join(
        f"{one.subject}: {'no interval' if one.width is None else f'{one.width:.1%}'}"
        for one in found
    )
