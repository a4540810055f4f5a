"""The difference ladder: each framework's own defaults, restored one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bench.trainers import native
from bench import run_statistics as stats
from bench.report import wording
from bench.report.rungs import Ladder, Rung, ladders
from bench.report.tables import columns, judged
from bench.report.tables.table import Cell, Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates
from bench.verdict import Difference, Judged, Outcome

ALREADY = "already the default"
MATCHED = "–"  # in the row that the others are compared with

Find = Callable[[Row], Rung]

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
    experiment = ladder.matched.experiment
    place = wording.place(experiment, ("device", "batch_size"))
    subject = wording.subject(experiment, ladder.matched.data)
    compiler = native.COMPILER[experiment.framework]
    return Section(
        heading=f"{wording.framework(experiment)}: {subject}, {place}",
        note=f"{equal_in_all_rows(ladder.comparison)} Its compiler of itself: {compiler}.",
        columns=_columns(ladder),
        rows=tuple((rung.group,) for rung in ladder.rungs),
    )


def _columns(ladder: Ladder) -> tuple[Column, ...]:
    rungs = {id(rung.group): rung for rung in ladder.rungs}

    def of(row: Row) -> Rung:
        return rungs[id(row[0])]

    def alone(row: Row) -> str:
        if of(row).already:
            return ALREADY
        return MATCHED if row[0] is ladder.matched else wording.NOT_MEASURED

    return (
        *columns.experiment(),
        _restored(of),
        *_time(of, alone),
        *_accuracy(of, alone),
        *(_of_runs(column, of) for column in _measured(ladder)),
    )


def _restored(of: Find) -> Column:
    def cell(row: Row) -> Cell:
        return Cell(shown=of(row).restored, raw=(of(row).restored, of(row).already))

    return Column(
        header="restored", names=("restored", "already_the_default"), cell=cell, words=True
    )


def _time(of: Find, alone: judged.Words) -> tuple[Column, ...]:
    name, words = "train_time", ("slower", "faster")

    def find(row: Row) -> Judged | None:
        return of(row).time

    def find_difference(row: Row) -> Difference | None:
        return of(row).time_difference

    return (
        judged.seconds("training less matched (s)", f"{name}_difference", find_difference),
        judged.ratio("training time to matched", name, find, alone),
        judged.p_value("", name, find),
        judged.verdict("in time", name, find, words, alone),
    )


def _accuracy(of: Find, alone: judged.Words) -> tuple[Column, ...]:
    name = "accuracy"

    def find(row: Row) -> Judged | None:
        return of(row).accuracy

    def find_difference(row: Row) -> Difference | None:
        return of(row).accuracy_difference

    def verdict(row: Row) -> Cell:
        judgement = of(row).accuracy
        if judgement is None:
            return Cell(shown=alone(row), raw=(None,))
        said = ACCURACY[judgement.outcome]
        return Cell(shown=said, raw=(said,))

    return (
        judged.difference("accuracy less matched (points)", f"{name}_difference", find_difference),
        judged.p_value("", name, find),
        Column(header="in accuracy", names=(f"{name}_verdict",), cell=verdict, words=True),
    )


def _measured(ladder: Ladder) -> tuple[Column, ...]:
    return (
        columns.quantity("training (s)", "train", "s", stats.train_s),
        *map(columns.time, ladder.comparison.targets),
        columns.accuracy(),
        columns.outcome(),
    )


def _of_runs(column: Column, of: Find) -> Column:
    """The column, empty in rows that have no runs of their own."""

    def cell(row: Row) -> Cell:
        if of(row).already:
            return Cell(shown="", raw=(None,) * len(column.names))
        return column.cell(row)

    return replace(column, cell=cell)
