"""Columns for rows of two groups of runs, such as CPU and CUDA, or two results folders."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench import stats
from bench.report import wording
from bench.report.tables import columns
from bench.report.tables.columns import first
from bench.report.tables.table import Cell, Column, Row
from bench.stats import Replicates

ABSENT = "–"  # a ratio or difference of which one side is not there


def second(row: Row) -> Replicates:
    """The other group of a row of two."""
    return row[1]


SIDES = (first, second)


def throughputs(names: tuple[str, str], ratio: str) -> tuple[Column, ...]:
    """Training throughput of both, and the second's over the first's under the header ``ratio``."""
    return (
        *(
            columns.throughput(of=name, name=f"{name.lower()}_", pick=side)
            for name, side in zip(names, SIDES, strict=True)
        ),
        Column(
            header=ratio,
            names=(f"{names[1]}_over_{names[0]}_throughput_ratio".lower(),),
            cell=lambda row: _ratio(throughput_ratio(row)),
        ),
    )


def throughput_ratio(row: Row) -> float | None:
    """Mean throughput of a row's second group over that of its first."""
    one, other = (group.summary(stats.throughput_images_per_s) for group in row)
    return other.mean / one.mean if one and other else None


def times(names: tuple[str, str], target: float) -> tuple[Column, ...]:
    """Time to a target of both."""
    return tuple(
        columns.time(target, of=name, pick=side) for name, side in zip(names, SIDES, strict=True)
    )


def time_ratio(names: tuple[str, str], target: float) -> Column:
    """Mean time to a target, the second's over the first's; absent where either has a miss."""

    def cell(row: Row) -> Cell:
        one, other = (stats.times_to_accuracy(group, target) for group in row)
        if one.missed or other.missed or not one.hits or not other.hits:
            return _ratio(None)
        return _ratio(other.hits.mean / one.hits.mean)

    return Column(
        header=f"{names[1]} / {names[0]}",
        names=(f"{names[1]}_over_{names[0]}_time_to_{100 * target:g}_percent_ratio".lower(),),
        cell=cell,
    )


def accuracies(names: tuple[str, str]) -> tuple[Column, ...]:
    """Test accuracy of both."""
    return tuple(
        columns.accuracy(of=name, name=f"{name.lower()}_", pick=side)
        for name, side in zip(names, SIDES, strict=True)
    )


def accuracy_difference(names: tuple[str, str]) -> Column:
    """Mean test accuracy, the second's less the first's."""

    def cell(row: Row) -> Cell:
        one, other = (group.summary(stats.test_accuracy) for group in row)
        difference = other.mean - one.mean if one and other else None
        shown = ABSENT if difference is None else f"{100 * difference:+.2f}"
        return Cell(shown=shown, raw=(difference,))

    return Column(
        header=f"{names[1]} - {names[0]} (points)",
        names=(f"{names[1]}_less_{names[0]}_test_accuracy_fraction".lower(),),
        cell=cell,
    )


def outcomes(names: tuple[str, str]) -> tuple[Column, ...]:
    """How many runs each has, and what failed."""
    return tuple(
        Column(
            header=f"{name} runs",
            names=(f"{name.lower()}_runs",),
            cell=partial(_outcome, side),
            words=True,
        )
        for name, side in zip(names, SIDES, strict=True)
    )


def _outcome(side: Callable[[Row], Replicates], row: Row) -> Cell:
    said = wording.outcome(side(row))
    return Cell(shown=said, raw=(said,))


def _ratio(ratio: float | None) -> Cell:
    shown = ABSENT if ratio is None else f"{wording.number(ratio)} ×"
    return Cell(shown=shown, raw=(ratio,))
