"""``--seeds auto``: whether the seeds run so far are enough to tell a named ratio.

Seeds are added until the interval of the ratio of the two frameworks' throughputs is narrow
enough in every set of experiments in which both stand, or until the time is spent. Which of
the two ended it is said in the report. Looking at an interval again and again and stopping
when it is narrow favours intervals that happen to be narrow: hence at least ``FEWEST``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from bench.report import wording
from bench.report.comparison import FRAMEWORK, comparisons, only
from bench.report.tables.power import of_arms
from bench.results.evidence import Arms
from bench.results.record import Record
from bench.run.progress import minutes
from bench.stats import power, runs, verdict
from bench.stats.runs import Replicates

FEWEST = 5  # seeds: the interval of fewer pairs covers clearly less than it claims
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


def beforehand(arms: Arms | None, within: float) -> str | None:
    """What the audit lets one expect of so many seeds, a sentence; None: it shows no noise.

    Args:
        arms: of the audit.
        within: how narrow the interval is to be, as of ``Goal``.
    """
    audit = of_arms(arms)
    if audit is None:
        return None
    few, many = (wording.about(audit.smallest(seeds, 2)) for seeds in (FEWEST, 2 * FEWEST))
    wanted = min(max(power.seeds_for(audit.noise, within), FEWEST), MOST)
    enough = f"about {wanted}" if wanted < MOST else f"{MOST} or more"
    return (
        f"By the audit, two equal runs differ by {wording.about(audit.noise)} by chance: {FEWEST} "
        f"seeds find a difference of {few} in 9 of 10 suites, {2 * FEWEST} seeds one of {many}; an "
        f"interval of {within:.1%} needs {enough} seeds."
    )


def stop(goal: Goal, records: Sequence[Record], spent_s: float) -> str | None:
    """Why no further seed is needed or allowed, as a sentence; None: go on.

    ``records``: of the experiments that are run, and of no others.
    """
    seeds = len({record.seed for record in records})
    names, ran = " and ".join(goal.between), wording.counted(seeds, "seed")
    if seeds >= FEWEST:
        measured = list(widths(goal, records))
        if measured and all(_narrow(ratio, goal) for ratio in measured):
            return (
                f"Stopped after {ran}: the interval of the ratio of {names} is "
                f"narrower than {goal.within:.1%} ({_in_words(measured)})."
            )
    if spent_s >= goal.budget_s or seeds >= MOST:
        spent = f"the time budget of {minutes(goal.budget_s)} is spent"
        why = spent if spent_s >= goal.budget_s else f"{MOST} seeds are the most"
        return (
            f"Stopped after {ran}: {why}, before the interval of the ratio of {names} was "
            f"narrower than {goal.within:.1%} ({_in_words(list(widths(goal, records)))})."
        )
    return None


def widths(goal: Goal, records: Sequence[Record]) -> Iterator[Width]:
    """Of the ratio of throughputs, in every set of experiments in which both frameworks stand."""
    for comparison in comparisons(runs.replicates(records), FRAMEWORK):
        firsts, seconds = (only(comparison.groups, framework=name) for name in goal.between)
        for first, second in product(firsts, seconds):
            paired = verdict.compare(first, second, runs.throughput_images_per_s)
            interval = paired.interval if paired else None
            yield Width(
                subject=_subject(first),
                width=interval.high / interval.low - 1 if interval else None,
            )


def _narrow(ratio: Width, goal: Goal) -> bool:
    return ratio.width is not None and ratio.width <= goal.within


def _subject(group: Replicates) -> str:
    conditions = wording.heading_conditions(group.experiment, ("device", "batch_size", "goal"))
    return f"{wording.subject(group.experiment, group.data)}, {conditions}"


def _in_words(ratios: Sequence[Width]) -> str:
    return "; ".join(
        f"{ratio.subject}: {'no interval' if ratio.width is None else f'{ratio.width:.1%}'}"
        for ratio in ratios
    )
