"""Finds the ladders among runs: a matched experiment, and those that restore a default of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bench.trainers import native
from bench import run_statistics as stats
from bench.experiment import NATIVE
from bench.record import Record
from bench.report import certainty, wording
from bench.report.comparison import Comparison, comparisons, only
from bench.run_statistics import Replicates, Statistic
from bench.verdict import Difference, Judged, difference, judge_pairs


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What is restored, and what that does beside the matched experiment."""

    group: Replicates  # of the matched runs themselves, where nothing would change
    restored: str  # in words
    already: bool = False  # True: the framework's own default is the matched one
    time: Judged | None = None  # training seconds; None: nothing to compare
    time_difference: Difference | None = None
    accuracy: Judged | None = None  # on the test images: a ratio above 1 is the more accurate
    accuracy_difference: Difference | None = None


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """One framework on one subject."""

    comparison: Comparison  # of all its groups
    matched: Replicates
    rungs: tuple[Rung, ...]  # the matched one first


def ladders(groups: Sequence[Replicates]) -> list[Ladder]:
    """Every matched experiment of which a default was restored."""
    trained = [group for group in groups if group.experiment.goal == "train"]
    found = (_ladder(one) for one in comparisons(trained, ("native", "execution")))
    return [ladder for ladder in found if ladder is not None]


def unrestored(groups: Sequence[Replicates]) -> list[Replicates]:
    """All groups but those that a ladder alone is about: elsewhere they would be in the way."""
    above = {
        id(rung.group)
        for ladder in ladders(groups)
        for rung in ladder.rungs
        if rung.group.experiment.native
    }
    return [group for group in groups if id(group) not in above]


def sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """What each ladder shows: the rungs that may be told apart from the matched runs."""
    for ladder in ladders(groups):
        one = ladder.matched
        said = [words for rung in ladder.rungs for words in _told(rung)]
        compared = [rung for rung in ladder.rungs if rung.time or rung.accuracy]
        if not compared:
            continue
        found = "; ".join(said) or (
            f"none of {wording.counted(len(compared), 'rung')} is told apart from the matched runs"
        )
        yield (
            f"Ladder of {wording.framework(one.experiment)}, "
            f"{wording.subject(one.experiment, one.data)}, "
            f"{wording.place(one.experiment, ('device', 'batch_size'))}: {found}."
        )


def _told(rung: Rung) -> Iterator[str]:
    """What may be said of a rung beside the matched runs, in time and in accuracy."""
    name = "+".join(rung.group.experiment.native) or rung.restored
    if rung.time and rung.time.outcome in ("higher", "lower"):
        paired = rung.time.paired
        ratio = certainty.estimate(paired.ratio, paired.interval)
        yield f"{name} takes {ratio} times the training time"
    found = rung.accuracy_difference
    if found and rung.accuracy and rung.accuracy.outcome in ("higher", "lower"):
        points = certainty.estimate(found.mean, found.interval, scale=100, decimals=2, signed=True)
        yield f"{name} changes the test accuracy by {points} points"


def _ladder(comparison: Comparison) -> Ladder | None:
    """None where nothing was restored, or nothing is there to compare with."""
    restored = [group for group in comparison.groups if group.experiment.native]
    if not restored:
        return None
    execution = restored[0].experiment.execution  # a ladder's defaults are all restored in one
    matched = only(comparison.groups, native=(), execution=execution)
    if not matched:
        return None
    rungs = tuple(_ordered(matched[0], comparison.groups))
    return Ladder(comparison=comparison, matched=matched[0], rungs=_judged(matched[0], rungs))


def _ordered(matched: Replicates, groups: Sequence[Replicates]) -> Iterator[Rung]:
    """Matched, each default alone, other executions, several defaults together."""
    execution = matched.experiment.execution
    yield Rung(group=matched, restored="nothing: all is made equal")
    for word in NATIVE:
        yield from _of_word(word, matched, groups)
    for group in only(groups, native=()):
        if group is not matched:
            yield Rung(group=group, restored=f"execution: {group.experiment.execution}")
    for group in only(groups, execution=execution):
        if len(group.experiment.native) > 1:
            yield Rung(group=group, restored=f"together: {', '.join(group.experiment.native)}")


def _of_word(word: str, matched: Replicates, groups: Sequence[Replicates]) -> Iterator[Rung]:
    own = native.OWN[matched.experiment.framework][word]
    restored = f"{word}: {own.says}"
    measured = only(groups, native=(word,), execution=matched.experiment.execution)
    if measured:
        yield Rung(group=measured[0], restored=restored)
    elif not own.differs_in(matched.experiment):
        experiment = replace(matched.experiment, native=(word,))
        yield Rung(group=replace(matched, experiment=experiment), restored=restored, already=True)


def _judged(matched: Replicates, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The rungs with what may be said of each, corrected for all of them."""
    times = _beside(matched, rungs, stats.train_s, above_noise=True)
    accuracies = _beside(matched, rungs, _exp_accuracy, above_noise=False)
    return tuple(
        replace(
            rung,
            time=time,
            time_difference=difference(rung.group, matched, stats.train_s) if time else None,
            accuracy=accuracy,
            accuracy_difference=(
                difference(rung.group, matched, stats.test_accuracy) if accuracy else None
            ),
        )
        for rung, time, accuracy in zip(rungs, times, accuracies, strict=True)
    )


def _exp_accuracy(record: Record) -> float | None:
    """So that what is compared as a ratio is the difference of two accuracies."""
    accuracy = stats.test_accuracy(record)
    return None if accuracy is None else math.exp(accuracy)


def _beside(
    matched: Replicates, rungs: Sequence[Rung], statistic: Statistic, *, above_noise: bool
) -> list[Judged | None]:
    """Each rung beside the matched runs, corrected by Holm's method for all that are compared.

    None for a rung that is the matched runs themselves, or cannot be compared with them.
    ``above_noise``: whether what is below the noise floor, which is of seconds, is a tie.
    """
    pairs = [
        (rung.group, matched) for rung in rungs if not rung.already and rung.group is not matched
    ]
    judged = judge_pairs(pairs, statistic, above_noise=above_noise)
    found = {id(one.first): one for one in judged}
    return [found.get(id(rung.group)) for rung in rungs]
