"""The difference ladder: each framework's own defaults, restored one at a time.

A ladder is a matched experiment and those that restore a default of it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress

from bench.experiment import NATIVE
from bench.report import wording
from bench.report.comparison import Comparison, comparisons, only
from bench.report.tables import beside, columns
from bench.report.tables.columns import Columns
from bench.report.tables.table import Cell, Column, Row, Section, Table, section_of
from bench.results.record import Record
from bench.stats import runs
from bench.stats.runs import Replicates, Statistic
from bench.stats.verdict import Difference, Judged, Outcome, difference, judge_pairs
from bench.trainers import FRAMEWORKS, native


@dataclass(frozen=True, kw_only=True)
class Rung(Row):
    """What is restored, and what that does beside the matched experiment.

    Its one group is of the matched runs themselves where nothing would change.
    """

    restored: str  # in words
    already: bool = False  # True: the framework's own default is the matched one
    time: Judged | None = None  # training seconds; None: nothing to compare
    accuracy: Judged | None = None  # on the test images: a ratio above 1 is the more accurate


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """One framework on one subject."""

    comparison: Comparison  # of all its groups
    matched: Replicates
    rungs: tuple[Rung, ...]  # the matched one first


def ladders(groups: Sequence[Replicates]) -> list[Ladder]:
    """Every matched experiment of which a default was restored."""
    trained = [group for group in groups if group.experiment.goal == "train"]
    split = comparisons(trained, ("native", "execution"))
    return [ladder for comparison in split if (ladder := _ladder(comparison))]


def unrestored(groups: Sequence[Replicates]) -> list[Replicates]:
    """All groups but those that a ladder alone is about: elsewhere they would be in the way."""
    above = [
        rung.first
        for ladder in ladders(groups)
        for rung in ladder.rungs
        if rung.first.experiment.native
    ]
    return [group for group in groups if not any(group is other for other in above)]


def sentences(groups: Sequence[Replicates]) -> Iterator[str]:
    """What each ladder shows: the rungs that may be told apart from the matched runs."""
    for ladder in ladders(groups):
        compared = [rung for rung in ladder.rungs if rung.time or rung.accuracy]
        if compared:
            none = f"none of {wording.counted(len(compared), 'rung')} is told apart"
            shown = [sentence for rung in ladder.rungs for sentence in _told_apart(rung)]
            yield (
                f"Ladder of {_heading(ladder, ', ')}: "
                f"{'; '.join(shown) or f'{none} from the matched runs'}."
            )


def _told_apart(rung: Rung) -> Iterator[str]:
    """What may be said of a rung beside the matched runs, in time and in accuracy."""
    name = "+".join(rung.first.experiment.native) or rung.restored
    if rung.time and rung.time.outcome in ("higher", "lower"):
        paired = rung.time.paired
        ratio = wording.estimate(paired.ratio, paired.interval)
        yield f"{name} takes {ratio} times the training time"
    change = _change(rung.accuracy, runs.test_accuracy)
    if change and rung.accuracy and rung.accuracy.outcome in ("higher", "lower"):
        points = wording.estimate(change.mean, change.interval, scale=100, decimals=2, signed=True)
        yield f"{name} changes the test accuracy by {points} points"


def _change(judged: Judged | None, statistic: Statistic) -> Difference | None:
    """A rung's statistic less that of the matched runs; None where they were not compared."""
    return difference(judged.first, judged.second, statistic) if judged else None


def _heading(ladder: Ladder, separator: str) -> str:
    experiment = ladder.matched.experiment
    subject = wording.subject(experiment, ladder.matched.data)
    conditions = wording.heading_conditions(experiment, ("device", "batch_size"))
    return f"{wording.framework(experiment)}{separator}{subject}, {conditions}"


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
    yield Rung(groups=(matched,), restored="nothing: all is made equal")
    for word in NATIVE:
        yield from _of_word(word, matched, groups)
    for group in only(groups, native=()):
        if group is not matched:
            yield Rung(groups=(group,), restored=f"execution: {group.experiment.execution}")
    for group in only(groups, execution=execution):
        if len(group.experiment.native) > 1:
            yield Rung(groups=(group,), restored=f"together: {', '.join(group.experiment.native)}")


def _of_word(word: str, matched: Replicates, groups: Sequence[Replicates]) -> Iterator[Rung]:
    own = FRAMEWORKS[matched.experiment.framework].own[word]
    restored = f"{word}: {own.says}"
    measured = only(groups, native=(word,), execution=matched.experiment.execution)
    if measured:
        yield Rung(groups=(measured[0],), restored=restored)
    elif not own.differs_in(matched.experiment):
        experiment = replace(matched.experiment, native=(word,))
        group = replace(matched, experiment=experiment)
        yield Rung(groups=(group,), restored=restored, already=True)


def _judged(matched: Replicates, rungs: Sequence[Rung]) -> tuple[Rung, ...]:
    """The rungs with what may be said of each beside the matched runs, corrected for all of them.

    Nothing is said of a rung that is the matched runs themselves. Accuracies know no noise floor:
    it is of seconds.
    """
    own = [not rung.already and rung.first is not matched for rung in rungs]
    pairs = [(rung.first, matched) for rung in compress(rungs, own)]
    verdicts = zip(
        judge_pairs(pairs, runs.train_s),
        judge_pairs(pairs, _exp_accuracy, of_time=False),
        strict=True,
    )
    judged = []
    for rung, is_own in zip(rungs, own, strict=True):
        time, accuracy = next(verdicts) if is_own else (None, None)
        judged.append(replace(rung, time=time, accuracy=accuracy))
    return tuple(judged)


def _exp_accuracy(record: Record) -> float | None:
    """So that what is compared as a ratio is the difference of two accuracies."""
    accuracy = runs.test_accuracy(record)
    return None if accuracy is None else math.exp(accuracy)


# The table of them

ACCURACY: dict[Outcome, str] = {
    "higher": "more accurate",
    "lower": "less accurate",
    "tie": "tie",
    "undecided": "undecided",
}


def build(groups: Sequence[Replicates]) -> Table:
    """A section a framework and subject, a row a default."""
    return Table(
        name="ladder",
        title="The difference ladder",
        explanation=(
            "What a framework does of itself, where this project makes all alike, restored one at "
            "a time: what it costs or gains beside the matched runs of the same seeds, in training "
            "seconds (below 1: sooner done) and in test accuracy. Brackets hold 95 % intervals "
            "over seeds; verdicts are corrected by Holm's method for all rows of a section. "
            "Training seconds leave out the start-up, and with it compiling. "
            f"{native.LAST_SHORT_BATCH}."
        ),
        needs="'python -m bench ladder defaults', or runs that differ in what is left native",
        sections=tuple(map(_section, ladders(groups))),
    )


def _section(ladder: Ladder) -> Section:
    compiler = FRAMEWORKS[ladder.matched.experiment.framework].compiler
    return section_of(
        ladder.comparison,
        _columns(ladder),
        ladder.rungs,
        f"Its compiler of itself: {compiler}.",
        heading=_heading(ladder, ": "),
    )


def _columns(ladder: Ladder) -> Columns:
    def alone(rung: Rung) -> str:
        if rung.already:
            return "already the default"
        return beside.ABSENT if rung.first is ladder.matched else wording.NOT_MEASURED

    measured = (
        columns.quantity("training (s)", "train", "s", runs.train_s),
        *map(columns.time, ladder.comparison.targets),
        columns.accuracy(),
        columns.OUTCOME,
    )
    return (
        columns.experiment(),
        Column(
            header="restored",
            names=("restored", "already_the_default"),
            cell=lambda rung: Cell(shown=rung.restored, raw=(rung.restored, rung.already)),
            words=True,
        ),
        beside.difference(
            "training less matched (s)",
            "train_time_difference",
            lambda rung: _change(rung.time, runs.train_s),
            unit="s",
        ),
        *beside.judgement(
            "train_time",
            lambda rung: rung.time,
            ("slower", "faster"),
            headers=("training time to matched", "", "in time"),
            absent=alone,
            ratio_absent=alone,
        ),
        beside.difference(
            "accuracy less matched (points)",
            "accuracy_difference",
            lambda rung: _change(rung.accuracy, runs.test_accuracy),
        ),
        beside.p_value("", "accuracy", lambda rung: rung.accuracy),
        columns.words(
            "in accuracy",
            "accuracy_verdict",
            lambda rung: rung.accuracy and ACCURACY[rung.accuracy.outcome],
            absent=alone,
        ),
        *map(_of_own_runs, measured),
    )


def _of_own_runs(column: Column) -> Column:
    """The column, empty in rows that have no runs of their own."""

    def cell(rung: Rung) -> Cell:
        if rung.already:
            return Cell(shown="", raw=(None,) * len(column.names))
        return column.cell(rung)

    return replace(column, cell=cell)
