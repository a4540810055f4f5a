"""What precision and threads buy: the same experiment at two values of one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from bench.report import matched, wording
from bench.report.comparison import FRAMEWORK, Comparison, comparisons, only
from bench.report.tables import beside, columns
from bench.report.tables.table import Column, Row, Section, Table, equal_in_all_rows
from bench.run_statistics import Replicates


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One field of an experiment that a reader may want to vary."""

    field: str
    title: str
    order: Callable[[Any], Any]  # of its values; the first of two is what the other stands beside
    said: Callable[[Any], str]
    needs: str


PRECISION = Axis(
    field="precision",
    title="What precision buys",
    order=("fp32", "tf32", "bf16").index,
    said=str,
    needs="the same experiments in two precisions, such as --precision fp32,bf16",
)
THREADS = Axis(
    field="threads",
    title="What threads buy",
    order=lambda threads: (threads is None, threads or 0),
    said=lambda threads: "all threads" if threads is None else wording.counted(threads, "thread"),
    needs="the same experiments on different numbers of processors, such as --threads 1,2",
)


def precision(groups: Sequence[Replicates]) -> Table:
    """A section a subject and pair of precisions; a row a framework."""
    return _table(PRECISION, groups)


def threads(groups: Sequence[Replicates]) -> Table:
    """A section a subject and pair of numbers of threads; a row a framework."""
    return _table(THREADS, groups)


def _table(axis: Axis, groups: Sequence[Replicates]) -> Table:
    sections = (
        _section(axis, comparison, one, other)
        for comparison in comparisons(groups, (*FRAMEWORK, axis.field))
        for one, other in combinations(sorted(comparison.values(axis.field), key=axis.order), 2)
    )
    return Table(
        name=axis.field,
        title=axis.title,
        explanation=(
            "The same experiment with one thing changed. The ratio is of training throughputs, "
            "seed by seed, with its 95 % interval in brackets; p is corrected by Holm's method "
            "for all rows of a section. Brackets after an accuracy are Wilson's interval for the "
            "number of test images."
        ),
        needs=axis.needs,
        sections=tuple(section for section in sections if section.rows),
    )


def _section(axis: Axis, comparison: Comparison, one: Any, other: Any) -> Section:
    experiment = comparison.experiment
    place = wording.place(experiment, ("device", "batch_size", "goal"), leave_out=(axis.field,))
    names = (axis.said(one), axis.said(other))
    rows = tuple(
        (first, second)
        for first in only(comparison.groups, **{axis.field: one})
        for second in only(
            comparison.groups,
            framework=first.experiment.framework,
            execution=first.experiment.execution,
            **{axis.field: other},
        )
        if first.versions == second.versions
    )
    subject = wording.subject(experiment, comparison.data)
    return Section(
        heading=f"{names[0]} and {names[1]}: {subject}, {place}",
        note=equal_in_all_rows(comparison),
        columns=_columns(axis, comparison, rows, names),
        rows=rows,
    )


def _columns(
    axis: Axis, comparison: Comparison, rows: Sequence[Row], names: tuple[str, str]
) -> tuple[Column, ...]:
    return (
        *columns.experiment(leave_out=(axis.field,)),
        columns.framework(rows),
        *beside.throughputs(names, ratio=f"{names[1]} / {names[0]}"),
        *beside.verdicts(rows, names),
        *(column for target in comparison.targets for column in beside.times(names, target)),
        *beside.accuracies(names),
        matched.column(),
        *beside.outcomes(names),
    )
